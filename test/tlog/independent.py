"""The public formats once more, from their specifications and Python's standard library alone.

Reads the vectors in the folder given as argument, and on standard input cases that the other implementation made
({"trees", "tiles", "logs"}); recomputes all of it, and says on standard output what it checked, as one JSON object.
The first disagreement ends it with an explanation. With `audit <vkey> <folder>...` behind the vectors' folder it audits
exported logs instead, and says of each whether it holds, what is wrong first, and every petition's tally. Sources: RFC 6962 section 2.1, RFC 8032 section 5.1, C2SP's
signed-note, tlog-checkpoint, tlog-cosignature, tlog-tiles, tlog-proof and tlog-policy.
"""

import base64
import binascii
import datetime
import hashlib
import json
import pathlib
import re
import sys


class Refused(Exception):
    pass


def need(holds, why):
    if not holds:
        raise Refused(why)


def sha256(data):
    return hashlib.sha256(data).digest()


# ---- RFC 6962 section 2.1, by its recursive definitions


def leaf_hash(entry):
    return sha256(b"\x00" + entry)


def split(size):
    return 1 << (size - 1).bit_length() - 1


def root_of(leaves):
    if not leaves:
        return sha256(b"")
    if len(leaves) == 1:
        return leaves[0]
    k = split(len(leaves))
    return sha256(b"\x01" + root_of(leaves[:k]) + root_of(leaves[k:]))


def path_of(index, leaves):
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if index < k:
        return path_of(index, leaves[:k]) + [root_of(leaves[k:])]
    return path_of(index - k, leaves[k:]) + [root_of(leaves[:k])]


def consistency_of(old, leaves, whole=True):
    if old in (0, len(leaves)):
        return [] if whole else [root_of(leaves)]
    k = split(len(leaves))
    if old <= k:
        return consistency_of(old, leaves[:k], whole) + [root_of(leaves[k:])]
    return consistency_of(old - k, leaves[k:], False) + [root_of(leaves[:k])]


def root_from(index, size, leaf, proof):
    """The root that a path leads to: the recursive definition walked down, then up again."""
    sides = []
    start, end = 0, size
    while end - start > 1:
        middle = start + split(end - start)
        sides.append(index < middle)
        start, end = (start, middle) if index < middle else (middle, end)
    need(len(sides) == len(proof), "inclusion: length")
    for left, sibling in zip(reversed(sides), proof):
        leaf = sha256(b"\x01" + (leaf + sibling if left else sibling + leaf))
    return leaf


# ---- RFC 8032 section 5.1: Ed25519 verification, slow and plain

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
CURVE = -121665 * pow(121666, -1, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)


def recover(y, sign):
    square = (y * y - 1) * pow(CURVE * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT_OF_MINUS_ONE % P
    need((x * x - square) % P == 0 and not (x == 0 and sign), "no point of the curve")
    return P - x if x & 1 != sign else x


def decompress(data):
    number = int.from_bytes(data, "little")
    y = number & ((1 << 255) - 1)
    need(y < P, "no field element")
    x = recover(y, number >> 255)
    return (x, y, 1, x * y % P)


def add(p, q):
    a = (p[1] - p[0]) * (q[1] - q[0]) % P
    b = (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * CURVE % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def multiply(scalar, point):
    total = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            total = add(total, point)
        point = add(point, point)
        scalar >>= 1
    return total


BASE_Y = 4 * pow(5, -1, P) % P
BASE = (recover(BASE_Y, 0), BASE_Y, 1, recover(BASE_Y, 0) * BASE_Y % P)


def ed25519_verify(key, message, signature):
    if len(key) != 32 or len(signature) != 64:
        return False
    s = int.from_bytes(signature[32:], "little")
    if s >= ORDER:
        return False
    try:
        a, r = decompress(key), decompress(signature[:32])
    except Refused:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % ORDER
    left, right = multiply(s, BASE), add(r, multiply(h, a))
    same_x = (left[0] * right[2] - right[0] * left[2]) % P == 0
    return same_x and (left[1] * right[2] - right[1] * left[2]) % P == 0


# ---- C2SP text formats


def unbase64(text):
    """RFC 4648 section 4, canonical only: what encodes to the same text again."""
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError, ValueError):
        raise Refused("base64")
    need(base64.b64encode(data).decode() == text, "base64 is not canonical")
    return data


def decimal(text):
    need(re.fullmatch(r"0|[1-9][0-9]*", text, re.ASCII) and int(text) < 2**53, "decimal " + text)
    return int(text)


def text_of(data):
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused("UTF-8")


SPACES = re.compile("[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000+]")


def parse_vkey(text):
    parts = text.split("+", 2)
    need(len(parts) == 3 and parts[0] and not SPACES.search(parts[0]), "vkey")
    need(re.fullmatch("[0-9a-f]{8}", parts[1], re.ASCII), "vkey id")
    blob = unbase64(parts[2])
    need(len(blob) == 33 and blob[0] in (1, 4), "vkey type")
    need(sha256(parts[0].encode() + b"\n" + blob)[:4].hex() == parts[1], "vkey id")
    return (parts[0], bytes.fromhex(parts[1]), blob[0], blob[1:])


def parse_note(data):
    whole = text_of(data)
    need(not re.search("[\x00-\x09\x0b-\x1f]", whole), "control character")
    head, blank, tail = whole.rpartition("\n\n")
    need(blank and tail.endswith("\n"), "no signatures")
    lines = tail[:-1].split("\n")
    need(len(lines) <= 100, "too many signatures")
    signatures = []
    for line in lines:
        parts = line.split(" ")
        need(len(parts) == 3 and parts[0] == "\u2014" and parts[1], "signature line")
        need(not SPACES.search(parts[1]), "key name")
        blob = unbase64(parts[2])
        need(len(blob) > 4, "short signature")
        signatures.append((parts[1], blob[:4], blob[4:]))
    return head + "\n", signatures


def verify_note(text, signatures, keys):
    verified = []
    for name, key_id, blob in signatures:
        for key in keys:
            if key[:2] != (name, key_id):
                continue
            message = text.encode()
            if key[2] == 4:
                need(len(blob) == 72, "cosignature length")
                message = b"cosignature/v1\ntime %d\n" % int.from_bytes(blob[:8], "big") + message
                need(ed25519_verify(key[3], message, blob[8:]), "cosignature")
            else:
                need(ed25519_verify(key[3], message, blob), "signature")
            verified.append(key)
    need(verified, "no known signature")
    return verified


def parse_checkpoint(text):
    need(text.endswith("\n"), "last line")
    lines = text[:-1].split("\n")
    need(len(lines) >= 3 and "" not in lines, "lines")
    root = unbase64(lines[2])
    need(len(root) == 32, "root")
    return lines[0], decimal(lines[1]), root, lines[3:]


def parse_policy(data):
    logs, named, members, quorum = [], {}, set(), None
    publics = {1: set(), 4: set()}

    def key_of(word, kind):
        key = parse_vkey(text_of(word))
        need(key[2] == kind and key[3] not in publics[kind], "policy key")
        publics[kind].add(key[3])
        return key

    for line in data.split(b"\n"):
        need(not re.search(rb"[^\t\x20-\x7e\x80-\xff]", line), "policy octet")
        words = [word for word in re.split(rb"[ \t]+", line) if word]
        if not words or words[0].startswith(b"#"):
            continue
        kind, rest = words[0], words[1:]
        if kind == b"log":
            need(len(rest) in (1, 2), "log line")
            logs.append(key_of(rest[0], 1))
        elif kind in (b"witness", b"group"):
            need(len(rest) in (2, 3) if kind == b"witness" else len(rest) >= 3, "policy line")
            meaning = (
                ("witness", rest[0].decode("utf-8", "replace"), key_of(rest[1], 4))
                if kind == b"witness"
                else group_of(rest[1], rest[2:], named, members)
            )
            need(rest[0] != b"none" and rest[0] not in named, "name taken")
            named[rest[0]] = meaning
        elif kind == b"quorum":
            need(len(rest) == 1 and quorum is None and (rest[0] == b"none" or rest[0] in named), "quorum line")
            quorum = ("group", 0, []) if rest[0] == b"none" else named[rest[0]]
        else:
            raise Refused("policy keyword")
    need(quorum, "no quorum")
    return logs, named, quorum


def group_of(count, names, named, members):
    for name in names:
        need(name in named and name not in members, "group member")
        members.add(name)
    if count not in (b"all", b"any"):
        need(re.fullmatch(rb"[1-9][0-9]*", count), "threshold")
    threshold = {b"all": len(names), b"any": 1}.get(count) or int(count)
    need(threshold <= len(names), "threshold")
    return ("group", threshold, [named[name] for name in names])


def is_quorum(node, cosigned):
    if node[0] == "witness":
        return node[1] in cosigned
    return sum(is_quorum(member, cosigned) for member in node[2]) >= node[1]


def verify_proof(data, leaf, policy):
    whole = text_of(data)
    head, blank, checkpoint = whole.partition("\n\n")
    need(blank, "proof")
    lines = head.split("\n")
    need(lines.pop(0) == "c2sp.org/tlog-proof@v1", "header")
    extra = None
    if lines and lines[0].startswith("extra "):
        extra = unbase64(lines.pop(0)[6:])
        need(extra, "extra")
    need(lines and lines[0].startswith("index "), "index")
    index = decimal(lines.pop(0)[6:])
    need(len(lines) <= 63, "hashes")
    proof = [unbase64(line) for line in lines]
    need(all(len(one) == 32 for one in proof), "hash")
    text, signatures = parse_note(checkpoint.encode())
    origin, size, root, _ = parse_checkpoint(text)
    logs, named, quorum = policy
    own = [key for key in logs if key[0] == origin]
    witnesses = [node for node in named.values() if node[0] == "witness"]
    verified = verify_note(text, signatures, own + [node[2] for node in witnesses])
    need(any(key in own for key in verified), "no signature of the log")
    cosigned = [node[1] for node in witnesses if node[2] in verified]
    need(is_quorum(quorum, cosigned), "quorum")
    need(index < size and root_from(index, size, leaf, proof) == root, "inclusion")
    return index, size, cosigned, extra


def tile_path(level, index, width):
    groups = []
    while True:
        groups.insert(0, "%03d" % (index % 1000))
        index //= 1000
        if not index:
            break
    path = "tile/%s/%s" % (level, "/".join(["x" + group for group in groups[:-1]] + groups[-1:]))
    return path if width == 256 else "%s.p/%d" % (path, width)


def parse_tile_path(path):
    found = re.fullmatch(r"tile/(entries|[0-9]{1,2})/([x0-9/]+?)(?:\.p/([0-9]{1,3}))?", path, re.ASCII)
    need(found, "tile path")
    level, groups, width = found.groups()
    index = int(re.sub("[x/]", "", groups) or "0")
    tile = (level if level == "entries" else int(level), index, int(width) if width else 256)
    need(tile[0] == "entries" or tile[0] <= 63, "level")
    need(index < 2**53 and 1 <= tile[2] <= 256 and tile_path(*tile) == path, "tile path")
    return tile


# ---- Our own log: entries and rules


def no_duplicates(pairs):
    need(len(dict(pairs)) == len(pairs), "duplicate key")
    return dict(pairs)


def is_day(value):
    if not isinstance(value, str) or not re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", value, re.ASCII):
        return False
    # Python's calendar begins in year 1; year 0 is a leap year like 2000.
    try:
        datetime.date.fromisoformat(value.replace("0000", "2000", 1) if value.startswith("0000") else value)
        return True
    except ValueError:
        return False


def is_b64url(value):
    if not isinstance(value, str) or not re.fullmatch("[A-Za-z0-9_-]{43}", value, re.ASCII):
        return False
    data = base64.urlsafe_b64decode(value + "=")
    return base64.urlsafe_b64encode(data).decode() == value + "="


def matches(pattern):
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value, re.ASCII) is not None


def is_text(value):
    # Unicode's category Cc, and no half of a surrogate pair.
    return isinstance(value, str) and not re.search("[\x00-\x1f\x7f-\x9f\ud800-\udfff]", value)


HOST = r"([A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])"
FORMS = {
    "ID": matches("[0-7][0-9a-hjkmnp-tv-z]{25}"),
    "HEX": matches("[0-9a-f]{64}"),
    "B64URL": is_b64url,
    "NYM": is_b64url,
    "URL": matches(r"https?://" + HOST + r"(:[0-9]{1,5})?(/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*)?"),
    "S": is_text,
    "S+": lambda value: is_text(value) and value != "",
    "N": lambda value: type(value) is int and 0 <= value < 2**53,
    "DAY": is_day,
    "BOOL": lambda value: type(value) is bool,
    "CODE": lambda value: isinstance(value, str)
    and value in {"%02d" % n for n in range(1, 96) if n != 20} | {"2A", "2B", "99"}
    | {str(n) for n in [*range(971, 980), *range(984, 990)]},
    "GROUND": lambda value: value in ("fraud", "court", "error"),
    "PURPOSE": lambda value: value in ("court-order", "audit-sample"),
}


def parse_entry(data, kinds):
    """Read as JSON, checked field by field, written again: it must be the same bytes."""
    need(len(data) <= 65535, "length")
    try:
        entry = json.loads(text_of(data), object_pairs_hook=no_duplicates)
    except ValueError:
        raise Refused("JSON")
    need(isinstance(entry, dict) and entry.get("kind") in kinds, "kind")
    fields = kinds[entry["kind"]]
    need(list(entry) == ["kind", *fields], "fields")
    for name, form in fields.items():
        form, _, null = form.partition("|")
        need((null and entry[name] is None) or FORMS[form](entry[name]), name)
    need(json.dumps(entry, ensure_ascii=False, separators=(",", ":")).encode() == data, "spelling")
    return entry


def fold(texts, kinds):
    """The rules one after another. Answers (breach, tallies)."""
    petitions, cases, today = {}, {}, ""

    def rule_of(entry):
        kind = entry["kind"]
        if entry["day"] < today:
            return "day-decreases"
        if kind == "case-opened":
            cases.setdefault(entry["case"], False)
        if kind == "case-ended":
            if entry["case"] not in cases:
                return "case-not-opened"
            if cases[entry["case"]]:
                return "case-ended-twice"
            cases[entry["case"]] = True
        if "petition" not in entry:
            return None
        petition = petitions.get(entry["petition"])
        if petition is None:
            if kind != "petition-opened":
                return "petition-not-opened"
            petitions[entry["petition"]] = {"rules": entry, "closed": False, "destroyed": False, "nyms": {}}
            return None
        if petition["destroyed"]:
            return "petition-destroyed"
        nyms = petition["nyms"]
        before = nyms.get(entry.get("nym"), {"kind": None})["kind"]
        if kind == "petition-opened":
            return "petition-opened-twice"
        if kind == "signed":
            closes = petition["rules"]["closes"]
            if petition["closed"]:
                return "signed-after-closing"
            if closes is not None and entry["day"] > closes:
                return "signed-after-last-day"
            if before in ("signed", "invalidated"):
                return "signed-twice" if before == "signed" else "signed-after-invalidation"
            nyms[entry["nym"]] = entry
        elif kind in ("withdrawn", "invalidated"):
            if before != "signed":
                return kind + "-not-active"
            nyms[entry["nym"]] = entry
        elif kind == "petition-closed":
            if petition["closed"]:
                return "petition-closed-twice"
            if entry["count"] != sum(one["kind"] == "signed" for one in nyms.values()):
                return "petition-count-wrong"
            petition["closed"] = True
        else:
            petition["destroyed"] = True
        return None

    breach = None
    for index, text in enumerate(texts):
        try:
            entry = parse_entry(text if isinstance(text, bytes) else text.encode(), kinds)
            rule = rule_of(entry)
        except Refused:
            rule = "entry-malformed"
        if rule:
            breach = {"index": index, "rule": rule}
            break
        today = entry["day"]
    return breach, {name: tally(petition["nyms"].values()) for name, petition in petitions.items()}


def tally(latest):
    def count(keys):
        counts = {}
        for key in keys:
            counts[key] = counts.get(key, 0) + 1
        return counts

    signed = [one for one in latest if one["kind"] == "signed"]
    return {
        "total": len(signed),
        "by_day": count(one["day"] for one in signed),
        "by_department": count(one["department"] for one in signed if one["department"] is not None),
        "withdrawn": sum(one["kind"] == "withdrawn" for one in latest),
        "invalidated": count(one["ground"] for one in latest if one["kind"] == "invalidated"),
    }


# ---- A whole log in a folder: every tile from the entries, the root, the rules, the files named by their hash


def bundle_of(data, width):
    entries, at = [], 0
    while at < len(data):
        end = at + 2 + int.from_bytes(data[at : at + 2], "big")
        need(end <= len(data) and at + 2 <= len(data), "bundle cut short")
        entries.append(data[at + 2 : end])
        at = end
    need(len(entries) == width, "bundle width")
    return entries


def read_tile(log, level, index, width):
    """A partial tile may be gone once the full one exists."""
    exact = log / tile_path(level, index, width)
    if exact.is_file():
        return exact.read_bytes(), width
    full = log / tile_path(level, index, 256)
    need(width < 256 and full.is_file(), "missing " + tile_path(level, index, width))
    return full.read_bytes(), 256


def audit(log, vkey, kinds):
    def hashed(name, digest):
        path = log / name / digest
        need(path.is_file() and sha256(path.read_bytes()).hex() == digest, "%s/%s" % (name, digest))

    try:
        key = parse_vkey(vkey)
        text, signatures = parse_note((log / "checkpoint").read_bytes())
        origin, size, root, _ = parse_checkpoint(text)
        need(origin == key[0] and key[2] == 1, "origin")
        verify_note(text, signatures, [key])
        entries = []
        for index in range(-(-size // 256)):
            width = min(256, size - 256 * index)
            data, stored = read_tile(log, "entries", index, width)
            entries += bundle_of(data, stored)[:width]
        level, hashes = 0, [leaf_hash(entry) for entry in entries]
        need(root_of(hashes) == root, "root")
        while hashes:
            for index in range(-(-len(hashes) // 256)):
                here = hashes[256 * index : 256 * index + 256]
                data, stored = read_tile(log, level, index, len(here))
                need(len(data) == 32 * stored and data[: 32 * len(here)] == b"".join(here), "tile %d/%d" % (level, index))
            whole = len(hashes) // 256 * 256
            hashes = [root_of(hashes[i : i + 256]) for i in range(0, whole, 256)]
            level += 1
        breach, tallies = fold(entries, kinds)
        if breach:
            return {"holds": False, "why": breach["rule"], "index": breach["index"]}
        for entry in (parse_entry(data, kinds) for data in entries):
            if entry["kind"] == "petition-opened":
                hashed("statements", entry["statement"])
            if entry["kind"] == "identity-keys":
                hashed("jwks", entry["jwks"])
        return {"holds": True, "size": size, "petitions": tallies}
    except Refused as why:
        return {"holds": False, "why": str(why)}


# ---- What is checked


def refused(act):
    try:
        act()
    except Refused:
        return True
    return False


def main(folder, cases):
    checked = {}

    def check(name, holds, about):
        if not holds:
            sys.exit("%s: %s" % (name, about))
        checked[name] = checked.get(name, 0) + 1

    def vectors(name):
        return json.loads((folder / (name + ".json")).read_text("utf-8"))

    def bytes_of(vector, field):
        return bytes.fromhex(vector["hex"]) if "hex" in vector else vector[field].encode()

    known = vectors("rfc6962")
    leaves = [leaf_hash(bytes.fromhex(leaf)) for leaf in known["leaves"]]
    for one in known["roots"]:
        check("rfc6962", root_of(leaves[: one["size"]]).hex() == one["root"], one)
    for one in known["inclusion"]:
        check("rfc6962", [h.hex() for h in path_of(one["index"], leaves[: one["size"]])] == one["proof"], one)
    for one in known["consistency"]:
        check("rfc6962", [h.hex() for h in consistency_of(one["old"], leaves[: one["size"]])] == one["proof"], one)

    notes = vectors("signed-notes")
    for one in notes["valid"]:
        text, signatures = parse_note(one["note"].encode())
        verified = verify_note(text, signatures, [parse_vkey(key) for key in one["verifiers"]])
        check("notes", text == one["text"] and [key[0] for key in verified] == one["verified"], one["about"])
    for one in notes["invalid"]:
        keys = [parse_vkey(key) for key in one["verifiers"]]
        check("notes", refused(lambda: verify_note(*parse_note(bytes_of(one, "note")), keys)), one["about"])
    for one in notes["keys"]["valid"]:
        check("keys", not refused(lambda: parse_vkey(one)), one)
    for one in notes["keys"]["invalid"]:
        check("keys", refused(lambda: parse_vkey(one["vkey"])), one["about"])

    checkpoints = vectors("checkpoints")
    for one in checkpoints["valid"]:
        found = parse_checkpoint(one["text"])
        expected = (one["origin"], one["size"], bytes.fromhex(one["root"]), one["extensions"])
        check("checkpoints", found == expected, one["about"])
    for one in checkpoints["invalid"]:
        check("checkpoints", refused(lambda: parse_checkpoint(one["text"])), one["about"])

    policies = vectors("policies")
    for one in policies["valid"]:
        logs, _, quorum = parse_policy(one["policy"].encode())
        check("policies", [key[0] for key in logs] == one["logs"], one["about"])
        for case in one["cases"]:
            check("policies", is_quorum(quorum, case["cosigned"]) == case["quorum"], one["about"])
    for one in policies["invalid"]:
        check("policies", refused(lambda: parse_policy(one["policy"].encode())), one["about"])

    proofs = vectors("tlog-proofs")
    policy = parse_policy(proofs["policy"].encode())
    for one in proofs["valid"]:
        index, size, cosigned, extra = verify_proof(one["proof"].encode(), bytes.fromhex(one["leaf"]), policy)
        check("proofs", (index, size, cosigned) == (one["index"], one["size"], one["witnesses"]), one["about"])
        if "entry" in one:
            check("proofs", leaf_hash(extra).hex() == one["leaf"] and extra.decode() == one["entry"], one["about"])
    for one in [*proofs["invalid"], proofs["wrong_leaf"]]:
        leaf = bytes.fromhex(one["leaf"])
        check("proofs", refused(lambda: verify_proof(one["proof"].encode(), leaf, policy)), one["about"])

    paths = vectors("tile-paths")
    for one in paths["valid"]:
        check("paths", parse_tile_path(one["path"]) == (one["level"], one["index"], one["width"]), one["path"])
    for one in paths["invalid"]:
        check("paths", refused(lambda: parse_tile_path(one["path"])), one["about"])
    for one in paths["sizes"]:
        partial, full, level = [], {}, 0
        while one["size"] // 256**level or level == 0:
            hashes = one["size"] // 256**level
            full[str(level)] = hashes // 256
            if hashes % 256:
                partial.append(tile_path(level, hashes // 256, hashes % 256))
            level += 1
        check("paths", partial == one["partial"] and all(full.get(k, 0) == v for k, v in one["full"].items()), one)

    entries = vectors("entries")
    kinds = entries["kinds"]
    for one in entries["valid"]:
        entry = parse_entry(one["bytes"].encode(), kinds)
        check("entries", entry == one["entry"], one["about"])
        check("entries", leaf_hash(one["bytes"].encode()).hex() == one["leaf"], one["about"])
    for one in entries["invalid"]:
        check("entries", refused(lambda: parse_entry(bytes_of(one, "bytes"), kinds)), one["about"])

    for one in vectors("logs")["logs"]:
        breach, tallies = fold(one["entries"], kinds)
        check("logs", breach == one["breach"], one["about"])
        check("logs", "tally" not in one or tallies == one["tally"], one["about"])

    for number, one in enumerate(cases["trees"]):
        leaves = [leaf_hash(bytes.fromhex(entry)) for entry in one["entries"]]
        check("trees", root_of(leaves).hex() == one["root"], number)
        for index, proof in one["inclusion"]:
            check("trees", [h.hex() for h in path_of(index, leaves)] == proof, (number, index))
        for old, proof in one["consistency"]:
            check("trees", [h.hex() for h in consistency_of(old, leaves)] == proof, (number, old))

    for one in cases["tiles"]:
        leaves = [leaf_hash(b"entry %d" % i) for i in range(one["size"])]
        levels = [leaves]
        while len(levels[-1]) >= 256:
            below = levels[-1]
            levels.append([root_of(below[i : i + 256]) for i in range(0, len(below) - 255, 256)])
        for path, digest in one["tiles"].items():
            level, index, width = parse_tile_path(path)
            hashes = levels[level][index * 256 : index * 256 + width]
            check("tiles", len(hashes) == width and sha256(b"".join(hashes)).hex() == digest, path)
        check("tiles", len(one["tiles"]) == sum(-(-len(level) // 256) for level in levels), one["size"])

    for number, one in enumerate(cases["logs"]):
        breach, tallies = fold(one["entries"], kinds)
        check("random logs", breach == one["breach"] and tallies == one["tally"], number)

    print(json.dumps(checked))


vectors_folder = pathlib.Path(sys.argv[1])
if sys.argv[2:3] == ["audit"]:
    forms = json.loads((vectors_folder / "entries.json").read_text("utf-8"))["kinds"]
    print(json.dumps([audit(pathlib.Path(one) / "log", sys.argv[3], forms) for one in sys.argv[4:]]))
else:
    main(vectors_folder, json.load(sys.stdin))
