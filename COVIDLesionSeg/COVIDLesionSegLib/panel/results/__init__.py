"""Parts of the section Results: flags, tables, charts, lesions one by one."""
