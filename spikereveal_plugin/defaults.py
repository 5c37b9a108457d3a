"""Numbers of the published method that several parts of the package begin with."""

RATIO = 4  # a photo's height and width over the spike sensor's
SHORT_WINDOW = 9  # readouts of TFP_short
