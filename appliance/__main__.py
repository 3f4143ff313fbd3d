"""``appliance``: the one way in. Each command's options and work live in its own cold module."""

import sys

from appliance.cold.command_line import main

if __name__ == "__main__":
    sys.exit(main())
