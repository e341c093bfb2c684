-- A house as the first schema had it. Never edited.

CREATE TABLE goose_db_version (
		id INTEGER PRIMARY KEY AUTOINCREMENT,
		version_id INTEGER NOT NULL,
		is_applied INTEGER NOT NULL,
		tstamp TIMESTAMP DEFAULT (datetime('now'))
	);
CREATE TABLE house (
  one   INTEGER PRIMARY KEY CHECK (one = 1),
  epoch TEXT NOT NULL
) STRICT;
CREATE TABLE accounts (
  id            TEXT PRIMARY KEY,
  name          TEXT NOT NULL,
  folded        TEXT NOT NULL UNIQUE, -- the name without case
  password_hash TEXT NOT NULL,        -- PHC string
  admin         INTEGER NOT NULL DEFAULT 0,
  state         TEXT NOT NULL DEFAULT 'available',
  status        TEXT NOT NULL DEFAULT '',
  head          INTEGER NOT NULL DEFAULT 0, -- newest pos of the log
  created_at    INTEGER NOT NULL
) STRICT;
CREATE TABLE devices (
  account    TEXT NOT NULL REFERENCES accounts (id),
  id         TEXT NOT NULL,
  name       TEXT NOT NULL,
  cursor     INTEGER NOT NULL DEFAULT 0, -- newest pos acknowledged
  created_at INTEGER NOT NULL,
  PRIMARY KEY (account, id)
) STRICT;
CREATE TABLE sessions (
  token_hash BLOB PRIMARY KEY, -- SHA-256
  account    TEXT NOT NULL,
  device     TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  FOREIGN KEY (account, device) REFERENCES devices (account, id)
) STRICT;
CREATE INDEX sessions_account ON sessions (account, device);
CREATE INDEX sessions_expiry ON sessions (expires_at);
CREATE TABLE invites (
  token_hash BLOB PRIMARY KEY, -- SHA-256
  inviter    TEXT REFERENCES accounts (id),
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  used_by    TEXT REFERENCES accounts (id)
) STRICT;
CREATE TABLE relations (
  account    TEXT NOT NULL REFERENCES accounts (id),
  other      TEXT NOT NULL REFERENCES accounts (id),
  relation   TEXT NOT NULL CHECK (relation IN ('requested', 'contact', 'blocked')),
  changed_at INTEGER NOT NULL,
  PRIMARY KEY (account, other),
  CHECK (account <> other)
) STRICT;
CREATE INDEX relations_other ON relations (other);
CREATE TABLE conversations (
  id   TEXT PRIMARY KEY,
  head INTEGER NOT NULL DEFAULT 0 -- newest seq
) STRICT;
CREATE TABLE participants (
  conv      TEXT NOT NULL REFERENCES conversations (id),
  account   TEXT NOT NULL REFERENCES accounts (id),
  other     TEXT NOT NULL REFERENCES accounts (id), -- the peer of a direct conversation
  delivered INTEGER NOT NULL DEFAULT 0, -- as the other was told
  read      INTEGER NOT NULL DEFAULT 0, -- as account knows it
  read_told INTEGER NOT NULL DEFAULT 0, -- as the other was told
  PRIMARY KEY (conv, account),
  UNIQUE (account, other)
) STRICT;
CREATE TABLE messages (
  mid           TEXT PRIMARY KEY,
  conv          TEXT NOT NULL REFERENCES conversations (id),
  seq           INTEGER NOT NULL,
  sender        TEXT NOT NULL REFERENCES accounts (id),
  recipient     TEXT NOT NULL REFERENCES accounts (id),
  device        TEXT NOT NULL,
  cid           TEXT NOT NULL,
  content       BLOB NOT NULL, -- SHA-256 of what the cid stands for
  hidden        INTEGER NOT NULL DEFAULT 0, -- in the sender's log only
  kind          TEXT NOT NULL CHECK (kind IN ('text', 'voice', 'call')),
  text          TEXT NOT NULL DEFAULT '',
  blob          TEXT NOT NULL DEFAULT '',
  duration      INTEGER NOT NULL DEFAULT 0, -- ms of sound
  waveform      BLOB,
  bytes         INTEGER NOT NULL DEFAULT 0,
  truncated     INTEGER NOT NULL DEFAULT 0,
  played        INTEGER NOT NULL DEFAULT 0,
  call          TEXT NOT NULL DEFAULT '',
  outcome       TEXT NOT NULL DEFAULT '',
  call_duration INTEGER NOT NULL DEFAULT 0, -- ms of conversation
  time          INTEGER NOT NULL,
  UNIQUE (conv, seq),
  UNIQUE (sender, device, cid)
) STRICT;
CREATE INDEX messages_voice ON messages (recipient, bytes) WHERE kind = 'voice' AND hidden = 0;
CREATE UNIQUE INDEX messages_blob ON messages (blob) WHERE blob <> '';
CREATE TABLE entries (
  account   TEXT NOT NULL REFERENCES accounts (id),
  pos       INTEGER NOT NULL,
  kind      TEXT NOT NULL CHECK (kind IN ('message', 'receipt')),
  conv      TEXT NOT NULL REFERENCES conversations (id),
  mid       TEXT REFERENCES messages (mid),
  actor     TEXT NOT NULL DEFAULT '', -- receipt: whose mark rose
  delivered INTEGER NOT NULL DEFAULT 0,
  read      INTEGER NOT NULL DEFAULT 0,
  played    TEXT NOT NULL DEFAULT '', -- receipt: mid
  PRIMARY KEY (account, pos),
  CHECK ((kind = 'message') = (mid IS NOT NULL))
) STRICT, WITHOUT ROWID;
CREATE TABLE live_calls (
  id            TEXT PRIMARY KEY,
  caller        TEXT NOT NULL REFERENCES accounts (id),
  caller_device TEXT NOT NULL,
  callee        TEXT NOT NULL REFERENCES accounts (id),
  intent        TEXT NOT NULL,
  started_at    INTEGER NOT NULL
) STRICT;
INSERT INTO goose_db_version (id, version_id, is_applied, tstamp) VALUES (1, 0, 1, '2026-11-24 17:15:28');
INSERT INTO goose_db_version (id, version_id, is_applied, tstamp) VALUES (2, 1, 1, '2026-11-24 17:15:28');
INSERT INTO house (one, epoch) VALUES (1, '2307e619-928d-4b00-a5ad-a8e779664c79');
INSERT INTO accounts (id, name, folded, password_hash, admin, state, status, head, created_at) VALUES ('01a20e8e-2d20-73e8-900e-a021fd06d130', 'Ann', 'ann', '$argon2id$v=19$m=64,t=1,p=1$H6nzaA9YAaXC29AsQIsicQ$ejnD0xRAL8VY2uOYvwQeHxgT5r/DhiTwhUURQfONSvA', 0, 'available', '', 8, 1795540528373);
INSERT INTO accounts (id, name, folded, password_hash, admin, state, status, head, created_at) VALUES ('01a20e8e-2d26-7ead-9b3b-45fc3bdbfffa', 'bob', 'bob', '$argon2id$v=19$m=64,t=1,p=1$2B0ti9m3ymtvUzrdMNPJ6A$deue1GPo+RvhlyKi+5Uw7rkJYBLEmiQaI0OxTD+uqEw', 0, 'away', 'until 14:00', 6, 1795540528373);
INSERT INTO accounts (id, name, folded, password_hash, admin, state, status, head, created_at) VALUES ('01a20e8e-2d36-7331-b977-885a621692e3', 'Zoë', 'zoë', '$argon2id$v=19$m=64,t=1,p=1$+gE+gEToR6qiPQatOuYnFg$Zqqa7SZlsDxRShii+zVQWnp5Z3sciD2SOWYkK1OLy0o', 0, 'available', '', 0, 1795540528373);
INSERT INTO accounts (id, name, folded, password_hash, admin, state, status, head, created_at) VALUES ('01a20e8e-2d37-7d16-a2ba-be7683484b25', 'eve', 'eve', '$argon2id$v=19$m=64,t=1,p=1$ksTdaaulYxl46tDwUMrCHg$5z056P6tcNDJWtAmZPEF1Yszn1zJPWlheZOVHhl+JBQ', 0, 'available', '', 0, 1795540528373);
INSERT INTO accounts (id, name, folded, password_hash, admin, state, status, head, created_at) VALUES ('01a20e8e-2d83-75ac-a74d-201cd7067dab', 'cyd', 'cyd', '$argon2id$v=19$m=64,t=1,p=1$Mc86Jhc2jGyQkAFmmTAv1A$UIQNqu6q6UmYWuvaQjsoBxcJp4BEQo6RJp0xNQ85+Uw', 0, 'available', '', 0, 1795540528373);
INSERT INTO devices (account, id, name, cursor, created_at) VALUES ('01a20e8e-2d26-7ead-9b3b-45fc3bdbfffa', '01a20e8e-2d3c-762c-a50c-600fcc28719f', 'test', 3, 1795540528373);
INSERT INTO devices (account, id, name, cursor, created_at) VALUES ('01a20e8e-2d20-73e8-900e-a021fd06d130', '01a20e8e-2d3e-773b-9aaf-b6cd088680b0', 'test', 0, 1795540528373);
INSERT INTO sessions (token_hash, account, device, created_at, expires_at) VALUES (X'd89aa7205a43eaa2010b65fe2927b47a9dab473ebcc70fc1396bd0e084b71b12', '01a20e8e-2d26-7ead-9b3b-45fc3bdbfffa', '01a20e8e-2d3c-762c-a50c-600fcc28719f', 1795540528373, 1803316528373);
INSERT INTO sessions (token_hash, account, device, created_at, expires_at) VALUES (X'526833f97e94e9ba22fbd386e2e809f27ab92cf5f42894e3f39ca97890ef90e6', '01a20e8e-2d20-73e8-900e-a021fd06d130', '01a20e8e-2d3e-773b-9aaf-b6cd088680b0', 1795540528373, 1803316528373);
INSERT INTO invites (token_hash, inviter, created_at, expires_at, used_by) VALUES (X'c1bb636364d485dcdd1f7262fd46e70f9c49302c4871c26d2bbddbbc69fed12a', '01a20e8e-2d20-73e8-900e-a021fd06d130', 1795540528373, 1795544128373, NULL);
INSERT INTO invites (token_hash, inviter, created_at, expires_at, used_by) VALUES (X'1dc50ee077d0c2e014bbbe69c442c89f2686ab1a55c63248b977f47948399618', '01a20e8e-2d20-73e8-900e-a021fd06d130', 1795540528373, 1795544128373, '01a20e8e-2d83-75ac-a74d-201cd7067dab');
INSERT INTO relations (account, other, relation, changed_at) VALUES ('01a20e8e-2d20-73e8-900e-a021fd06d130', '01a20e8e-2d26-7ead-9b3b-45fc3bdbfffa', 'contact', 1795540528373);
INSERT INTO relations (account, other, relation, changed_at) VALUES ('01a20e8e-2d26-7ead-9b3b-45fc3bdbfffa', '01a20e8e-2d20-73e8-900e-a021fd06d130', 'contact', 1795540528373);
INSERT INTO relations (account, other, relation, changed_at) VALUES ('01a20e8e-2d37-7d16-a2ba-be7683484b25', '01a20e8e-2d20-73e8-900e-a021fd06d130', 'blocked', 1795540528373);
INSERT INTO relations (account, other, relation, changed_at) VALUES ('01a20e8e-2d20-73e8-900e-a021fd06d130', '01a20e8e-2d37-7d16-a2ba-be7683484b25', 'requested', 1795540528373);
INSERT INTO relations (account, other, relation, changed_at) VALUES ('01a20e8e-2d36-7331-b977-885a621692e3', '01a20e8e-2d26-7ead-9b3b-45fc3bdbfffa', 'requested', 1795540528373);
INSERT INTO relations (account, other, relation, changed_at) VALUES ('01a20e8e-2d20-73e8-900e-a021fd06d130', '01a20e8e-2d83-75ac-a74d-201cd7067dab', 'contact', 1795540528373);
INSERT INTO relations (account, other, relation, changed_at) VALUES ('01a20e8e-2d83-75ac-a74d-201cd7067dab', '01a20e8e-2d20-73e8-900e-a021fd06d130', 'contact', 1795540528373);
INSERT INTO conversations (id, head) VALUES ('01a20e8e-2d44-7754-b3f0-4fbe44d51cb3', 4);
INSERT INTO conversations (id, head) VALUES ('01a20e8e-2d76-7955-9ff4-4607a6b28d7c', 1);
INSERT INTO participants (conv, account, other, delivered, read, read_told) VALUES ('01a20e8e-2d44-7754-b3f0-4fbe44d51cb3', '01a20e8e-2d20-73e8-900e-a021fd06d130', '01a20e8e-2d26-7ead-9b3b-45fc3bdbfffa', 0, 0, 0);
INSERT INTO participants (conv, account, other, delivered, read, read_told) VALUES ('01a20e8e-2d44-7754-b3f0-4fbe44d51cb3', '01a20e8e-2d26-7ead-9b3b-45fc3bdbfffa', '01a20e8e-2d20-73e8-900e-a021fd06d130', 3, 2, 2);
INSERT INTO participants (conv, account, other, delivered, read, read_told) VALUES ('01a20e8e-2d76-7955-9ff4-4607a6b28d7c', '01a20e8e-2d20-73e8-900e-a021fd06d130', '01a20e8e-2d37-7d16-a2ba-be7683484b25', 0, 0, 0);
INSERT INTO participants (conv, account, other, delivered, read, read_told) VALUES ('01a20e8e-2d76-7955-9ff4-4607a6b28d7c', '01a20e8e-2d37-7d16-a2ba-be7683484b25', '01a20e8e-2d20-73e8-900e-a021fd06d130', 0, 0, 0);
INSERT INTO messages (mid, conv, seq, sender, recipient, device, cid, content, hidden, kind, text, blob, duration, waveform, bytes, truncated, played, call, outcome, call_duration, time) VALUES ('01a20e8e-2d44-7d72-a167-67571a2d44e3', '01a20e8e-2d44-7754-b3f0-4fbe44d51cb3', 1, '01a20e8e-2d20-73e8-900e-a021fd06d130', '01a20e8e-2d26-7ead-9b3b-45fc3bdbfffa', 'laptop', 'cid-000000000001', X'0dedcd4de3880d1111a313ca285b3527915b5586187c1a75787eb477cb270498', 0, 'text', 'hello 👋 it''s me', '', 0, NULL, 0, 0, 0, '', '', 0, 1795540528373);
INSERT INTO messages (mid, conv, seq, sender, recipient, device, cid, content, hidden, kind, text, blob, duration, waveform, bytes, truncated, played, call, outcome, call_duration, time) VALUES ('01a20e8e-2d4b-76d9-8abc-0dad5c397319', '01a20e8e-2d44-7754-b3f0-4fbe44d51cb3', 2, '01a20e8e-2d26-7ead-9b3b-45fc3bdbfffa', '01a20e8e-2d20-73e8-900e-a021fd06d130', 'laptop', 'cid-000000000002', X'91d61a612ce60d2075214c5f011bc8c6fd5ed3ca422d3c7800688eddb8f7ca52', 0, 'text', 'hi', '', 0, NULL, 0, 0, 0, '', '', 0, 1795540528373);
INSERT INTO messages (mid, conv, seq, sender, recipient, device, cid, content, hidden, kind, text, blob, duration, waveform, bytes, truncated, played, call, outcome, call_duration, time) VALUES ('01a20e8e-2d56-7d99-816e-6a836a24187c', '01a20e8e-2d44-7754-b3f0-4fbe44d51cb3', 3, '01a20e8e-2d20-73e8-900e-a021fd06d130', '01a20e8e-2d26-7ead-9b3b-45fc3bdbfffa', 'laptop', 'cid-000000000003', X'e71149bddd5833e3fb505c8f7b1a243b2c81b8573911eab1ac326b324f6854dd', 0, 'voice', '', 'eee5e1c2ef3b412a32e464c471f22440', 3000, X'010203', 23, 1, 1, 'call-1', 'no_answer', 0, 1795540528373);
INSERT INTO messages (mid, conv, seq, sender, recipient, device, cid, content, hidden, kind, text, blob, duration, waveform, bytes, truncated, played, call, outcome, call_duration, time) VALUES ('01a20e8e-2d5b-7d70-83d7-1b49cf05d649', '01a20e8e-2d44-7754-b3f0-4fbe44d51cb3', 4, '01a20e8e-2d20-73e8-900e-a021fd06d130', '01a20e8e-2d26-7ead-9b3b-45fc3bdbfffa', 'laptop', 'cid-000000000004', X'2d538e3614c00cd02127eee509a938c091450606e6157dc6711f8c91abd3d106', 0, 'call', '', '', 0, NULL, 0, 0, 0, 'call-2', 'answered', 90000, 1795540528373);
INSERT INTO messages (mid, conv, seq, sender, recipient, device, cid, content, hidden, kind, text, blob, duration, waveform, bytes, truncated, played, call, outcome, call_duration, time) VALUES ('01a20e8e-2d77-7835-8a83-e136629aaf89', '01a20e8e-2d76-7955-9ff4-4607a6b28d7c', 1, '01a20e8e-2d20-73e8-900e-a021fd06d130', '01a20e8e-2d37-7d16-a2ba-be7683484b25', 'laptop', 'cid-000000000005', X'ef1346cbf806212ad04b9125d1da1d364647903b7f1b371618604eecb47f3e3f', 1, 'call', '', '', 0, NULL, 0, 0, 0, 'call-3', 'offline', 0, 1795540528373);
INSERT INTO entries (account, pos, kind, conv, mid, actor, delivered, read, played) VALUES ('01a20e8e-2d20-73e8-900e-a021fd06d130', 1, 'message', '01a20e8e-2d44-7754-b3f0-4fbe44d51cb3', '01a20e8e-2d44-7d72-a167-67571a2d44e3', '', 0, 0, '');
INSERT INTO entries (account, pos, kind, conv, mid, actor, delivered, read, played) VALUES ('01a20e8e-2d20-73e8-900e-a021fd06d130', 2, 'message', '01a20e8e-2d44-7754-b3f0-4fbe44d51cb3', '01a20e8e-2d4b-76d9-8abc-0dad5c397319', '', 0, 0, '');
INSERT INTO entries (account, pos, kind, conv, mid, actor, delivered, read, played) VALUES ('01a20e8e-2d20-73e8-900e-a021fd06d130', 3, 'message', '01a20e8e-2d44-7754-b3f0-4fbe44d51cb3', '01a20e8e-2d56-7d99-816e-6a836a24187c', '', 0, 0, '');
INSERT INTO entries (account, pos, kind, conv, mid, actor, delivered, read, played) VALUES ('01a20e8e-2d20-73e8-900e-a021fd06d130', 4, 'message', '01a20e8e-2d44-7754-b3f0-4fbe44d51cb3', '01a20e8e-2d5b-7d70-83d7-1b49cf05d649', '', 0, 0, '');
INSERT INTO entries (account, pos, kind, conv, mid, actor, delivered, read, played) VALUES ('01a20e8e-2d20-73e8-900e-a021fd06d130', 5, 'receipt', '01a20e8e-2d44-7754-b3f0-4fbe44d51cb3', NULL, '01a20e8e-2d26-7ead-9b3b-45fc3bdbfffa', 3, 0, '');
INSERT INTO entries (account, pos, kind, conv, mid, actor, delivered, read, played) VALUES ('01a20e8e-2d20-73e8-900e-a021fd06d130', 6, 'receipt', '01a20e8e-2d44-7754-b3f0-4fbe44d51cb3', NULL, '01a20e8e-2d26-7ead-9b3b-45fc3bdbfffa', 0, 2, '');
INSERT INTO entries (account, pos, kind, conv, mid, actor, delivered, read, played) VALUES ('01a20e8e-2d20-73e8-900e-a021fd06d130', 7, 'receipt', '01a20e8e-2d44-7754-b3f0-4fbe44d51cb3', NULL, '01a20e8e-2d26-7ead-9b3b-45fc3bdbfffa', 0, 0, '01a20e8e-2d56-7d99-816e-6a836a24187c');
INSERT INTO entries (account, pos, kind, conv, mid, actor, delivered, read, played) VALUES ('01a20e8e-2d20-73e8-900e-a021fd06d130', 8, 'message', '01a20e8e-2d76-7955-9ff4-4607a6b28d7c', '01a20e8e-2d77-7835-8a83-e136629aaf89', '', 0, 0, '');
INSERT INTO entries (account, pos, kind, conv, mid, actor, delivered, read, played) VALUES ('01a20e8e-2d26-7ead-9b3b-45fc3bdbfffa', 1, 'message', '01a20e8e-2d44-7754-b3f0-4fbe44d51cb3', '01a20e8e-2d44-7d72-a167-67571a2d44e3', '', 0, 0, '');
INSERT INTO entries (account, pos, kind, conv, mid, actor, delivered, read, played) VALUES ('01a20e8e-2d26-7ead-9b3b-45fc3bdbfffa', 2, 'message', '01a20e8e-2d44-7754-b3f0-4fbe44d51cb3', '01a20e8e-2d4b-76d9-8abc-0dad5c397319', '', 0, 0, '');
INSERT INTO entries (account, pos, kind, conv, mid, actor, delivered, read, played) VALUES ('01a20e8e-2d26-7ead-9b3b-45fc3bdbfffa', 3, 'message', '01a20e8e-2d44-7754-b3f0-4fbe44d51cb3', '01a20e8e-2d56-7d99-816e-6a836a24187c', '', 0, 0, '');
INSERT INTO entries (account, pos, kind, conv, mid, actor, delivered, read, played) VALUES ('01a20e8e-2d26-7ead-9b3b-45fc3bdbfffa', 4, 'message', '01a20e8e-2d44-7754-b3f0-4fbe44d51cb3', '01a20e8e-2d5b-7d70-83d7-1b49cf05d649', '', 0, 0, '');
INSERT INTO entries (account, pos, kind, conv, mid, actor, delivered, read, played) VALUES ('01a20e8e-2d26-7ead-9b3b-45fc3bdbfffa', 5, 'receipt', '01a20e8e-2d44-7754-b3f0-4fbe44d51cb3', NULL, '01a20e8e-2d26-7ead-9b3b-45fc3bdbfffa', 0, 2, '');
INSERT INTO entries (account, pos, kind, conv, mid, actor, delivered, read, played) VALUES ('01a20e8e-2d26-7ead-9b3b-45fc3bdbfffa', 6, 'receipt', '01a20e8e-2d44-7754-b3f0-4fbe44d51cb3', NULL, '01a20e8e-2d26-7ead-9b3b-45fc3bdbfffa', 0, 0, '01a20e8e-2d56-7d99-816e-6a836a24187c');
INSERT INTO live_calls (id, caller, caller_device, callee, intent, started_at) VALUES ('call-4', '01a20e8e-2d26-7ead-9b3b-45fc3bdbfffa', '01a20e8e-2d3c-762c-a50c-600fcc28719f', '01a20e8e-2d83-75ac-a74d-201cd7067dab', 'call', 1770000000000);
