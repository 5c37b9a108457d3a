"""What turns a shot into sharp frames: a file for each kind, all of one form (`restorer.py`)."""
