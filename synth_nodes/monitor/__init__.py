"""What says whether data still are what a model learned from. numpy alone."""
