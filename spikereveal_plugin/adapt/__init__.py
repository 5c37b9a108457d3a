"""`spikereveal adapt`: label-free fine-tuning on recordings of one's own (the paper's step on RSB)."""
