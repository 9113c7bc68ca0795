"""`python -m lambda_kernel`: the kernel process."""

import os
import sys

# `-m` puts the notebook's directory first on the path. A random.py there would replace the library's.
if sys.path[0] in ("", os.getcwd()):
    del sys.path[0]

from lambda_kernel.kernel.app import main

main()
