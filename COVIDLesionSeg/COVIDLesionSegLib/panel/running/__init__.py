"""Jobs in the background: started, shown, cancelled, undone."""
