# Uses OpenSSL in the main process, as a routing script that talks to a web service
# would.
import ssl

class Neighbour:
    def child_init(self, rank):
        return 0

def mod_init():
    ssl.create_default_context()
    ssl.RAND_bytes(16)
    return Neighbour()
