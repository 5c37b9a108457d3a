"""Numbers of the published method that several parts of the package begin with."""

RATIO = 4  # a photo's height and width over the spike sensor's
SHORT_WINDOW = 9  # readouts of TFP_short
NUM_FRAMES = 7  # restored of an exposure
FPS = 10.0  # of a video or GIF of them
NUM_INSTANTS = 5  # of an exposure that a student is trained at in one step
