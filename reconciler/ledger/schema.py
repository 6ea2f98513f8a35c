"""The tables of a ledger, and what in them makes the promises hold without any code: UNIQUE, and triggers that only let grow.

op.op_key is UNIQUE: no second live attempt at one contact. lease.epoch, stack.serial and the high water of the trail never fall, the
lineage never changes, events are never changed or removed, so that event.seq, the primary key, can only be added at the end. The ops of a
request lie side by side (primary key), the people of a scope are in order (op_person, what `sent` streams), and what is open is found
without looking at what is done (request_open). How an older ledger becomes one of today: migrations.py.
"""

from reconciler.ledger.base import OpState, RequestState
from reconciler.ledger.sql import listed

APPLICATION_ID = 0x7263_6C31  # "rcl1": no other program's database is taken for a ledger

# Statements are separated by an empty line. The words of SQLite are those that `for_postgres` puts into PostgreSQL's.
TABLES = f"""
CREATE TABLE stack (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    lineage TEXT NOT NULL DEFAULT '',
    serial INTEGER NOT NULL DEFAULT 0,
    key_check BLOB NOT NULL DEFAULT x''
) STRICT;

CREATE TABLE lease (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    epoch INTEGER NOT NULL DEFAULT 0,
    run TEXT NOT NULL DEFAULT '',
    host TEXT NOT NULL DEFAULT '',
    pid INTEGER NOT NULL DEFAULT 0,
    actor TEXT NOT NULL DEFAULT '',
    url TEXT NOT NULL DEFAULT '',
    boot_id TEXT NOT NULL DEFAULT '',
    started TEXT NOT NULL DEFAULT '',
    since TEXT NOT NULL DEFAULT '',
    seconds INTEGER NOT NULL DEFAULT 0,
    expires_at REAL NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE scope (
    id INTEGER PRIMARY KEY,
    identity TEXT NOT NULL,
    contacts TEXT NOT NULL,
    verb TEXT NOT NULL,
    campaign TEXT NOT NULL,
    UNIQUE (identity, contacts, verb)
) STRICT;

CREATE TABLE request (
    id INTEGER PRIMARY KEY,
    epoch INTEGER NOT NULL,
    run TEXT NOT NULL,
    connection TEXT NOT NULL,
    scope_id INTEGER NOT NULL REFERENCES scope,
    call TEXT NOT NULL,
    token TEXT NOT NULL,
    body_mac BLOB NOT NULL,
    repeatable INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ({listed(tuple(RequestState))})),
    claimed_at TEXT NOT NULL,
    decided_at TEXT NOT NULL DEFAULT '',
    http_status INTEGER,
    evidence TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE INDEX request_open ON request (state, epoch) WHERE state IN ('sent', 'in_doubt');

CREATE TABLE op (
    request_id INTEGER NOT NULL REFERENCES request,
    place INTEGER NOT NULL,
    op_key BLOB NOT NULL UNIQUE CHECK (length(op_key) = 16),
    scope_id INTEGER NOT NULL REFERENCES scope,
    person BLOB CHECK (length(person) = 16),
    revision INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'sent' CHECK (state IN ({listed(tuple(OpState))})),
    attempt INTEGER NOT NULL DEFAULT 1,
    vendor_id TEXT NOT NULL DEFAULT '',
    key_mac BLOB NOT NULL,
    fields_mac BLOB NOT NULL,
    PRIMARY KEY (request_id, place)
) STRICT, WITHOUT ROWID;

CREATE INDEX op_person ON op (scope_id, person, revision) WHERE person IS NOT NULL;

CREATE TABLE binding (
    key TEXT PRIMARY KEY,
    identity TEXT NOT NULL,
    vendor_id TEXT NOT NULL,
    last_applied TEXT NOT NULL,
    protect INTEGER NOT NULL,
    run INTEGER NOT NULL,
    bound_at TEXT NOT NULL
) STRICT;

CREATE TABLE memory (
    name TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE event (
    seq INTEGER PRIMARY KEY,
    epoch INTEGER NOT NULL,
    at TEXT NOT NULL,
    actor TEXT NOT NULL,
    entity TEXT NOT NULL,
    before TEXT NOT NULL,
    after TEXT NOT NULL,
    reason TEXT NOT NULL,
    hash TEXT NOT NULL
) STRICT;

INSERT INTO stack (id) VALUES (1);

INSERT INTO lease (id) VALUES (1);
"""

SQLITE_RULES = """
CREATE TRIGGER epoch_only_grows BEFORE UPDATE ON lease WHEN NEW.epoch < OLD.epoch
BEGIN SELECT RAISE(ABORT, 'the epoch only grows'); END;

CREATE TRIGGER serial_only_grows BEFORE UPDATE ON stack WHEN NEW.serial < OLD.serial
BEGIN SELECT RAISE(ABORT, 'the serial only grows'); END;

CREATE TRIGGER lineage_stays BEFORE UPDATE ON stack
WHEN OLD.lineage <> '' AND (NEW.lineage <> OLD.lineage OR NEW.key_check <> OLD.key_check)
BEGIN SELECT RAISE(ABORT, 'the lineage stays'); END;

CREATE TRIGGER event_stays BEFORE UPDATE ON event
BEGIN SELECT RAISE(ABORT, 'events are never changed'); END;

CREATE TRIGGER event_is_kept BEFORE DELETE ON event
BEGIN SELECT RAISE(ABORT, 'events are never removed'); END;

CREATE TRIGGER stack_is_kept BEFORE DELETE ON stack
BEGIN SELECT RAISE(ABORT, 'the ledger has one stack'); END;

CREATE TRIGGER lease_is_kept BEFORE DELETE ON lease
BEGIN SELECT RAISE(ABORT, 'the ledger has one lease'); END;
"""

POSTGRES_RULES = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION USING MESSAGE = TG_ARGV[0]; END $$;

CREATE TRIGGER epoch_only_grows BEFORE UPDATE ON lease FOR EACH ROW WHEN (NEW.epoch < OLD.epoch)
EXECUTE FUNCTION refuse('the epoch only grows');

CREATE TRIGGER serial_only_grows BEFORE UPDATE ON stack FOR EACH ROW WHEN (NEW.serial < OLD.serial)
EXECUTE FUNCTION refuse('the serial only grows');

CREATE TRIGGER lineage_stays BEFORE UPDATE ON stack FOR EACH ROW
WHEN (OLD.lineage <> '' AND (NEW.lineage <> OLD.lineage OR NEW.key_check <> OLD.key_check))
EXECUTE FUNCTION refuse('the lineage stays');

CREATE TRIGGER event_stays BEFORE UPDATE ON event EXECUTE FUNCTION refuse('events are never changed');

CREATE TRIGGER event_is_kept BEFORE DELETE OR TRUNCATE ON event EXECUTE FUNCTION refuse('events are never removed');

CREATE TRIGGER stack_is_kept BEFORE DELETE OR TRUNCATE ON stack EXECUTE FUNCTION refuse('the ledger has one stack');

CREATE TRIGGER lease_is_kept BEFORE DELETE OR TRUNCATE ON lease EXECUTE FUNCTION refuse('the ledger has one lease');
"""

# The newest event is noted where its removal does not reach, by the store itself, whoever writes.
HIGH_WATER = """
ALTER TABLE stack ADD COLUMN high_water_seq INTEGER NOT NULL DEFAULT 0;

ALTER TABLE stack ADD COLUMN high_water_hash TEXT NOT NULL DEFAULT '';

UPDATE stack SET high_water_seq = newest.seq, high_water_hash = newest.hash
FROM (SELECT seq, hash FROM event ORDER BY seq DESC LIMIT 1) AS newest;
"""

SQLITE_HIGH_WATER = """
CREATE TRIGGER high_water_only_grows BEFORE UPDATE ON stack
WHEN NEW.high_water_seq < OLD.high_water_seq
    OR NEW.high_water_seq = OLD.high_water_seq AND NEW.high_water_hash <> OLD.high_water_hash
BEGIN SELECT RAISE(ABORT, 'the trail only grows'); END;

CREATE TRIGGER high_water_rises AFTER INSERT ON event
BEGIN UPDATE stack SET high_water_seq = NEW.seq, high_water_hash = NEW.hash; END;
"""

# When an apply saw first that a person is in no source of their set any more, in seconds since 1970; 0: they are, as far as was seen.
LEFT_AT = """
ALTER TABLE op ADD COLUMN left_at INTEGER NOT NULL DEFAULT 0;
"""

# Once for a whole load: row by row, a million events would leave a million versions of the one row in `stack`.
POSTGRES_HIGH_WATER = """
CREATE TRIGGER high_water_only_grows BEFORE UPDATE ON stack FOR EACH ROW
WHEN (NEW.high_water_seq < OLD.high_water_seq
    OR NEW.high_water_seq = OLD.high_water_seq AND NEW.high_water_hash <> OLD.high_water_hash)
EXECUTE FUNCTION refuse('the trail only grows');

CREATE FUNCTION rise() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
UPDATE stack SET high_water_seq = newest.seq, high_water_hash = newest.hash
FROM (SELECT seq, hash FROM added ORDER BY seq DESC LIMIT 1) AS newest;
RETURN NULL; END $$;

CREATE TRIGGER high_water_rises AFTER INSERT ON event REFERENCING NEW TABLE AS added
FOR EACH STATEMENT EXECUTE FUNCTION rise();
"""
