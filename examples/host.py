# SPDX-License-Identifier: MIT
"""A host in Python, by ctypes.

    python3 host.py [-m MODULE] BUSINESS_ID...

The classes repeat the structs of <mps/credential.h>, member by member. ctypes
releases Python's lock during a call, so other threads go on.
"""
import ctypes
import sys

PROVIDER = "/usr/$LIB/mps-credential/provider.so"
ABI = 1
OK = 0
RETRY, ALERT, BUSINESS, CALLER = 1, 2, 4, 8


class Credential(ctypes.Structure):
    _fields_ = [
        ("size", ctypes.c_size_t),
        ("access_token", ctypes.c_char_p),
        ("expires_at", ctypes.c_int64),
        ("endpoint_expires_at", ctypes.c_int64),
        ("source", ctypes.c_int),
        ("token_id", ctypes.c_char * 16),
    ]


class Error(ctypes.Structure):
    _fields_ = [
        ("size", ctypes.c_size_t),
        ("code", ctypes.c_int),
        ("http_status", ctypes.c_int),
        ("graph_code", ctypes.c_int),
        ("graph_subcode", ctypes.c_int),
        ("is_transient", ctypes.c_int),
        ("retry_at", ctypes.c_int64),
        ("type", ctypes.c_char * 64),
        ("fbtrace_id", ctypes.c_char * 64),
        ("message", ctypes.c_char * 256),
        ("user_title", ctypes.c_char * 128),
        ("user_message", ctypes.c_char * 256),
    ]


class CredentialError(Exception):
    def __init__(self, error, classes):
        super().__init__(error.message.decode())
        self.code = error.code
        self.classes = classes
        self.retry_at = error.retry_at


class Provider:
    def __init__(self, path=PROVIDER):
        module = ctypes.CDLL(path)  # raises OSError
        module.credential_abi.restype = ctypes.c_uint
        if module.credential_abi() != ABI:
            raise OSError(path + " has another ABI")
        self._get = module.get_credential
        self._get.argtypes = [
            ctypes.c_char_p,
            ctypes.POINTER(ctypes.POINTER(Credential)),
        ]
        self._release = module.release_credential
        self._release.argtypes = [ctypes.POINTER(Credential)]
        self._release.restype = None
        self._error = module.credential_error
        self._error.argtypes = [ctypes.POINTER(Error)]
        self._class = module.credential_class
        self._class.argtypes = [ctypes.c_int]
        self._class.restype = ctypes.c_uint

    def use(self, business_id, function):
        """Calls function(credential) and returns what it returns. The
        credential is valid during that call alone. access_token becomes a
        Python object when it is read, which nobody wipes: don't keep it."""
        credential = ctypes.POINTER(Credential)()
        code = self._get(business_id.encode(), ctypes.byref(credential))
        if code != OK:
            error = Error(size=ctypes.sizeof(Error))
            self._error(ctypes.byref(error))  # this thread's last failure
            raise CredentialError(error, self._class(code))
        try:
            return function(credential.contents)
        finally:
            self._release(credential)


def main(arguments):
    path = PROVIDER
    if arguments[:1] == ["-m"]:
        path, arguments = arguments[1], arguments[2:]
    provider = Provider(path)
    failures = 0
    for business in arguments:
        try:
            token_id = provider.use(business, lambda c: c.token_id.decode())
            print(f"{business}: token {token_id}")
        except CredentialError as error:
            advice = "again later" if error.classes & RETRY else "not again"
            print(f"{business}: {error} ({advice})", file=sys.stderr)
            failures += 1
    return failures != 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
