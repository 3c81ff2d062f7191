"""What is asked, fetched, installed and checked before models run."""
