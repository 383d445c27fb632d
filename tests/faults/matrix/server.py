"""A server of one archive that is slow, knows ranges, and remembers which were asked for."""

import random
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Server:
    def __init__(self, length=3_000_000, bytes_per_s=3_000_000):
        self.content = random.Random(1).randbytes(length)
        self.bytes_per_s = bytes_per_s
        # The first byte asked for, of each call; None for the whole.
        self.ranges = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                outer.answer(self)

            def log_message(self, *_):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{server.server_address[1]}/"

    def answer(self, handler):
        asked = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range", ""))
        first = int(asked[1]) if asked else 0
        self.ranges.append(first if asked else None)
        total = len(self.content)
        if asked and first >= total:
            handler.send_response(416)
            handler.send_header("Content-Range", f"bytes */{total}")
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        handler.send_response(206 if asked else 200)
        if asked:
            handler.send_header("Content-Range", f"bytes {first}-{total - 1}/{total}")
        handler.send_header("Content-Length", str(total - first))
        handler.send_header("ETag", '"1"')
        handler.send_header("Accept-Ranges", "bytes")
        handler.end_headers()
        try:
            for at in range(first, total, 65536):
                block = self.content[at : at + 65536]
                handler.wfile.write(block)
                time.sleep(len(block) / self.bytes_per_s)
        except (BrokenPipeError, ConnectionResetError):
            pass
