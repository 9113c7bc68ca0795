"""`python -m lambda_kernel`: the kernel process."""

import gc
import os
import sys

# `-m` puts the notebook's directory first on the path. A random.py there would replace the library's.
if sys.path[0] in ("", os.getcwd()):
    del sys.path[0]

gc.disable()  # modules stay: to look through them again and again takes a sixth of the import's time
from lambda_kernel.kernel.app import main  # noqa: E402

gc.freeze()
gc.enable()
try:
    main()
finally:
    gc.freeze()
