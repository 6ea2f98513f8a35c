"""Keyed fingerprints of people, fields, keys and operations, one by one and whole columns at a time. Reads nothing, keeps nothing.

Why these constructions: docs/decisions/0002-fingerprints.md.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from reconciler.errors import ConfigInvalid, Problem
from reconciler.model import Person

if TYPE_CHECKING:  # numpy stands behind it, and every plan makes a key check
    from numpy.typing import NDArray

    from reconciler.contacts.words import Words

WIDTH = 16  # bytes of one fingerprint
_NEAR = 6  # bytes of an operation's key that are the person's
KEY_BYTES = 32  # the least a contact key may have


def canonical(value: str) -> bytes:
    """A netstring: what was joined cannot be read in two ways."""
    raw = value.encode()
    return b"%d:%b" % (len(raw), raw)


class Fingerprints:
    """Everything that is derived from a project's contact key. Prints as `Fingerprints(•••)` and is never pickled."""

    def __init__(self, key: bytes, operations: bytes = b"") -> None:
        """`key`: the contact key. `operations`: the sub-key of operations, where it is that of an earlier contact key.

        Raises ConfigInvalid where the key is shorter than 32 bytes.
        """
        if len(key) < KEY_BYTES:
            message = f"contactKey has fewer than {KEY_BYTES} bytes. Make one with: openssl rand -base64 48"
            raise ConfigInvalid([Problem("reconciler.yaml", 0, 0, message, "contact-key")])
        self._people = Cmac(_derived(key, "person"))
        self._fields = Cmac(_derived(key, "fields"))
        self._keys = Cmac(_derived(key, "key"))
        self.operations = operations or _derived(key, "operation")
        self._sealing = _hmac(self.operations)
        self._digests = _derived(key, "digest")
        self._check = _derived(key, "check")

    def __repr__(self) -> str:
        return "Fingerprints(•••)"

    def __reduce__(self) -> tuple[type[Fingerprints], tuple[bytes]]:
        raise TypeError("the contact key is never pickled")

    def person(self, e164: str) -> Person:
        """Raises ValueError where `e164` is not `+` and one to fifteen digits, the first of them no zero."""
        digits = e164[1:]
        if e164[:1] != "+" or not (digits.isascii() and digits.isdigit()) or len(digits) > 15 or digits[0] == "0":
            raise ValueError("not an E.164 number")
        return Person(self._people.of_word(int(digits)))

    def people(self, numbers: Words) -> Words:
        """`person` of a column of E.164 numbers, each as the integer its digits write; shape (n, 2)."""
        return self._people.of_words(numbers)

    def fields(self, mapping: Mapping[str, str]) -> bytes:
        """16 bytes over names and values; the order of the names does not matter."""
        parts = b"".join(canonical(name) + canonical(mapping[name]) for name in sorted(mapping))
        return self._fields.of_hash(hashlib.sha256(parts).digest())

    def fields_of_person(self, e164: str, mapping: Mapping[str, str]) -> bytes:
        """`fields` under the key that this person is known by: with one key it is always the same."""
        return self.fields(mapping)

    def key(self, text: str) -> bytes:
        """16 bytes over one value of `columns.key`."""
        return self._keys.of_hash(hashlib.sha256(text.encode()).digest())

    def fields_of(self, hashes: Words) -> Words:
        """`fields` of a column of SHA-256 values, shape (n, 4), of what `fields` hashes; shape (n, 2)."""
        return self._fields.of_hashes(hashes)

    def keys_of(self, hashes: Words) -> Words:
        return self._keys.of_hashes(hashes)

    def operation(self, connection: str, identity: str, person: Person, revision: int, verb: str) -> bytes:
        """16 bytes, the ledger's `op_key`: unique to one attempt at one contact of one campaign.

        It begins with six bytes of the person, so that the keys of people in order lie side by side in the ledger's index.
        """
        inner, outer = (state.copy() for state in self._sealing)
        inner.update(_joined(connection, identity) + canonical(person.hex()) + _joined(str(revision), verb))
        outer.update(inner.digest())
        sealed = outer.digest()
        return person[:_NEAR] + sealed[: WIDTH - len(person[:_NEAR])]

    @staticmethod
    def mark(op_key: bytes) -> str:
        """The public end of an operation's fingerprint: `rc-` and sixteen letters and digits (80 bits)."""
        number = int.from_bytes(op_key[-10:])
        return "rc-" + "".join([_LETTERS[number >> shift & 1023] for shift in range(70, -1, -10)])

    def digest(self, fingerprints: Iterable[bytes]) -> str:
        """`hmac-sha256:...` over a set of equally long fingerprints, in whatever order they come."""
        return self.digest_of(b"".join(sorted(fingerprints)))

    def digest_of(self, content: bytes | memoryview) -> str:
        """`digest` of fingerprints that stand sorted and joined already."""
        return "hmac-sha256:" + hmac.new(self._digests, content, "sha256").hexdigest()

    def check(self) -> bytes:
        """16 bytes that tell this contact key from another: the ledger's `key_check`."""
        return self._check


class Cmac:
    """AES-CMAC (RFC 4493) of columns of messages that are all 8 or all 32 bytes long.

    An 8-byte message is a single padded block, so two messages never share a value.
    """

    def __init__(self, key: bytes) -> None:
        self._cipher = Cipher(algorithms.AES(key), modes.ECB())
        # Kept, since making one takes longer than a block: whole blocks leave no state behind in this mode.
        self._blocks = self._cipher.encryptor()
        zero = int.from_bytes(self._encrypted(bytes(WIDTH)))
        self._whole = _doubled(zero)  # the sub-key of messages that fill their last block
        self._padded = _doubled(self._whole) ^ (0x80 << 56)  # of those that do not, with the padding's bit already in

    def of_word(self, word: int) -> bytes:
        return self._encrypted((word << 64 ^ self._padded).to_bytes(WIDTH))

    def of_words(self, words: Words) -> Words:
        import numpy as np

        blocks = np.empty((len(words), 2), dtype=">u8")
        blocks[:, 0] = words ^ np.uint64(self._padded >> 64)
        blocks[:, 1] = np.uint64(self._padded & _LOW)
        return self._encrypted_all(blocks)

    def of_hash(self, message: bytes) -> bytes:
        first = int.from_bytes(self._encrypted(message[:WIDTH]))
        return self._encrypted((first ^ int.from_bytes(message[WIDTH:]) ^ self._whole).to_bytes(WIDTH))

    def of_hashes(self, messages: Words) -> Words:
        import numpy as np

        first = self._encrypted_all(messages[:, :2].astype(">u8"))
        whole = np.array([self._whole >> 64, self._whole & _LOW], dtype=np.uint64)
        return self._encrypted_all((first ^ messages[:, 2:] ^ whole).astype(">u8"))

    def _encrypted(self, block: bytes) -> bytes:
        return self._blocks.update(block)

    def _encrypted_all(self, blocks: NDArray[Any]) -> Words:
        from reconciler.contacts.words import words_of

        return words_of(self._cipher.encryptor().update(blocks.tobytes()), 2)


def _hmac(key: bytes) -> tuple[hashlib._Hash, hashlib._Hash]:
    """HMAC-SHA256 (RFC 2104), begun: the inner hash and the outer one, to be copied.

    `hmac.digest` lets go of the interpreter for every one of these short messages, and waits for its turn each time.
    """
    block = key.ljust(64, b"\0")
    return hashlib.sha256(bytes(byte ^ 0x36 for byte in block)), hashlib.sha256(bytes(byte ^ 0x5C for byte in block))


@lru_cache(maxsize=64)
def _joined(*parts: str) -> bytes:
    """What is the same for everybody of a set is made once."""
    return b"".join(map(canonical, parts))


_LOW = (1 << 64) - 1
# Base 32 in small letters, two at a time: the library's function takes twice as long for a mark as for its fingerprint.
_LETTERS = [
    first + second for first in "abcdefghijklmnopqrstuvwxyz234567" for second in "abcdefghijklmnopqrstuvwxyz234567"
]


def _doubled(value: int) -> int:
    """Multiplication by x in GF(2^128), as RFC 4493 derives its sub-keys."""
    return (value << 1 & (1 << 128) - 1) ^ (0x87 if value >> 127 else 0)


def _derived(key: bytes, label: str) -> bytes:
    return HKDF(SHA256(), WIDTH, salt=None, info=f"reconciler/v1/{label}".encode()).derive(key)
