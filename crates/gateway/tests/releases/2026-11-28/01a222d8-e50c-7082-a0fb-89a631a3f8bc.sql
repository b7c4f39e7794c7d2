PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE schema_migrations (version TEXT NOT NULL PRIMARY KEY, applied_ms BIGINT NOT NULL);
INSERT INTO schema_migrations VALUES('0001_directory',1795880969489);
INSERT INTO schema_migrations VALUES('0002_seats',1795880969489);
INSERT INTO schema_migrations VALUES('0003_nested_groups',1795880969489);
INSERT INTO schema_migrations VALUES('0004_lists',1795880969489);
INSERT INTO schema_migrations VALUES('0005_extension_schemas',1795880969489);
INSERT INTO schema_migrations VALUES('0006_order',1795880969489);
INSERT INTO schema_migrations VALUES('0007_licenses',1795880969489);
CREATE TABLE users (
    id TEXT NOT NULL PRIMARY KEY,
    user_name_key TEXT NOT NULL UNIQUE,
    user_name_folded TEXT NOT NULL,
    external_id_key TEXT,
    document TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    modified_ms BIGINT NOT NULL,
    regrouped_version BIGINT NOT NULL
, changed_number BIGINT NOT NULL DEFAULT 0);
INSERT INTO users VALUES('01a222d8-e53d-7223-945c-a0320ba54474','ada','ada','x0','{"externalId":"x0","userName":"ada","active":false,"emails":[{"value":"u0@acme.example","type":"work","primary":true}],"urn:example:hr:2.0:User":{"badge":"007"}}',2,1795880969533,1795880969566,1,11);
INSERT INTO users VALUES('01a222d8-e547-7355-b3ec-3b3779811497','it''s "quoted" \ back','it''s "quoted" \ back','x2','{"externalId":"x2","userName":"it''s \"quoted\" \\ back","active":true,"emails":[{"value":"u2@acme.example","type":"work","primary":true}],"urn:example:hr:2.0:User":{"badge":"007"}}',1,1795880969543,1795880969543,1,6);
INSERT INTO users VALUES('01a222d8-e54a-75e0-b709-530a0ba43955','日本語 😀','日本語 😀','x3','{"externalId":"x3","userName":"日本語 😀","active":true,"emails":[{"value":"u3@acme.example","type":"work","primary":true}],"urn:example:hr:2.0:User":{"badge":"007"}}',1,1795880969546,1795880969546,1,7);
INSERT INTO users VALUES('01a222d8-e54f-743f-8ddb-cfc942fb0d7f','é   x','é   x','x4','{"externalId":"x4","userName":"é   x","active":true,"emails":[{"value":"u4@acme.example","type":"work","primary":true}],"urn:example:hr:2.0:User":{"badge":"007"}}',1,1795880969551,1795880969551,1,8);
CREATE TABLE user_emails (
    value_key TEXT NOT NULL,
    user_id TEXT NOT NULL,
    type_key TEXT NOT NULL,
    PRIMARY KEY (value_key, user_id, type_key)
) WITHOUT ROWID;
INSERT INTO user_emails VALUES('u0@acme.example','01a222d8-e53d-7223-945c-a0320ba54474','work');
INSERT INTO user_emails VALUES('u2@acme.example','01a222d8-e547-7355-b3ec-3b3779811497','work');
INSERT INTO user_emails VALUES('u3@acme.example','01a222d8-e54a-75e0-b709-530a0ba43955','work');
INSERT INTO user_emails VALUES('u4@acme.example','01a222d8-e54f-743f-8ddb-cfc942fb0d7f','work');
CREATE TABLE groups (
    id TEXT NOT NULL PRIMARY KEY,
    display_name_key TEXT NOT NULL,
    display_name_folded TEXT NOT NULL,
    external_id_key TEXT,
    document TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    modified_ms BIGINT NOT NULL,
    renamed_number BIGINT NOT NULL
, moved_number BIGINT NOT NULL DEFAULT 0);
INSERT INTO "groups" VALUES('01a222d8-e554-7525-8226-5f5630e85de5','inner','inner',NULL,'{"displayName":"inner"}',2,1795880969556,1795880969572,9,10);
INSERT INTO "groups" VALUES('01a222d8-e55a-726a-bf60-11b581ea71da','outer','outer',NULL,'{"displayName":"outer"}',1,1795880969562,1795880969562,10,0);
CREATE TABLE memberships (
    group_id TEXT NOT NULL REFERENCES groups (id),
    user_id TEXT NOT NULL REFERENCES users (id),
    display TEXT,
    PRIMARY KEY (group_id, user_id)
) WITHOUT ROWID;
INSERT INTO memberships VALUES('01a222d8-e554-7525-8226-5f5630e85de5','01a222d8-e53d-7223-945c-a0320ba54474',NULL);
INSERT INTO memberships VALUES('01a222d8-e554-7525-8226-5f5630e85de5','01a222d8-e547-7355-b3ec-3b3779811497',NULL);
INSERT INTO memberships VALUES('01a222d8-e554-7525-8226-5f5630e85de5','01a222d8-e54a-75e0-b709-530a0ba43955',NULL);
INSERT INTO memberships VALUES('01a222d8-e554-7525-8226-5f5630e85de5','01a222d8-e54f-743f-8ddb-cfc942fb0d7f',NULL);
CREATE TABLE unique_claims (
    claim TEXT NOT NULL PRIMARY KEY,
    resource_id TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO unique_claims VALUES('Group.displayName:inner','01a222d8-e554-7525-8226-5f5630e85de5');
INSERT INTO unique_claims VALUES('Group.displayName:outer','01a222d8-e55a-726a-bf60-11b581ea71da');
CREATE TABLE directory_totals (
    resource_type TEXT NOT NULL PRIMARY KEY,
    total BIGINT NOT NULL CHECK (total >= 0)
) WITHOUT ROWID;
INSERT INTO directory_totals VALUES('Group',2);
INSERT INTO directory_totals VALUES('User',4);
CREATE TABLE nested_groups (
    group_id TEXT NOT NULL REFERENCES groups (id),
    member_id TEXT NOT NULL REFERENCES groups (id),
    display TEXT,
    PRIMARY KEY (group_id, member_id),
    CHECK (group_id <> member_id)
) WITHOUT ROWID;
INSERT INTO nested_groups VALUES('01a222d8-e55a-726a-bf60-11b581ea71da','01a222d8-e554-7525-8226-5f5630e85de5',NULL);
CREATE TABLE cursor_keys (
    place BIGINT NOT NULL PRIMARY KEY CHECK (place = 1),
    secret TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE extension_schemas (
    urn_key TEXT NOT NULL PRIMARY KEY,
    resource_type TEXT NOT NULL CHECK (resource_type IN ('User', 'Group')),
    required BIGINT NOT NULL CHECK (required IN (0, 1)),
    document TEXT NOT NULL
);
INSERT INTO extension_schemas VALUES('urn:example:hr:2.0:user','User',0,'{"id":"urn:example:hr:2.0:User","name":"HR","description":"","attributes":[{"name":"badge","type":"string","multiValued":false,"description":"","required":false,"caseExact":false,"mutability":"readWrite","returned":"default","uniqueness":"none"}]}');
CREATE TABLE extension_schemas_version (
    only_row BIGINT NOT NULL PRIMARY KEY CHECK (only_row = 1),
    version BIGINT NOT NULL
) WITHOUT ROWID;
INSERT INTO extension_schemas_version VALUES(1,1);
CREATE TABLE changes (
    number BIGINT NOT NULL PRIMARY KEY,
    at_ms BIGINT NOT NULL,
    kind TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    request_id TEXT NOT NULL,
    detail TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO changes VALUES(1,1795880969514,'plan.quota','',0,'01a222d8e50b712b9a081a74005bba22','{"license":"member","before":0,"after":2}');
INSERT INTO changes VALUES(2,1795880969514,'plan.quota','',0,'01a222d8e50b712b9a081a74005bba22','{"license":"member_lite","before":0,"after":null}');
INSERT INTO changes VALUES(3,1795880969525,'schema.added','',0,'01a222d8e53372b68b645054d09ab991','{"schema":"urn:example:hr:2.0:User","resource":"User","required":false,"attributes":1}');
INSERT INTO changes VALUES(4,1795880969533,'user.created','01a222d8-e53d-7223-945c-a0320ba54474',1,'01a222d8e539708fba8b2441e0242d6e','{"seat":{"role":"member_lite","requestedLicense":"member_lite","grantedLicense":"member_lite","state":"granted"}}');
INSERT INTO changes VALUES(5,1795880969539,'user.created','01a222d8-e543-742c-8787-d11bd324ba89',1,'01a222d8e54272eca1b50b56e961b914','{"seat":{"role":"member_lite","requestedLicense":"member_lite","grantedLicense":"member_lite","state":"granted"}}');
INSERT INTO changes VALUES(6,1795880969543,'user.created','01a222d8-e547-7355-b3ec-3b3779811497',1,'01a222d8e546711694cc9a4f37aa3ee8','{"seat":{"role":"member_lite","requestedLicense":"member_lite","grantedLicense":"member_lite","state":"granted"}}');
INSERT INTO changes VALUES(7,1795880969546,'user.created','01a222d8-e54a-75e0-b709-530a0ba43955',1,'01a222d8e54976db8ad79e85d563312c','{"seat":{"role":"member_lite","requestedLicense":"member_lite","grantedLicense":"member_lite","state":"granted"}}');
INSERT INTO changes VALUES(8,1795880969551,'user.created','01a222d8-e54f-743f-8ddb-cfc942fb0d7f',1,'01a222d8e54e7238bae62c198270cf0f','{"seat":{"role":"member_lite","requestedLicense":"member_lite","grantedLicense":"member_lite","state":"granted"}}');
INSERT INTO changes VALUES(9,1795880969556,'group.created','01a222d8-e554-7525-8226-5f5630e85de5',1,'01a222d8e55374bb96235c44fd4ccbbf','{}');
INSERT INTO changes VALUES(10,1795880969562,'group.created','01a222d8-e55a-726a-bf60-11b581ea71da',1,'01a222d8e5597799a5faf8f1742acc03','{}');
INSERT INTO changes VALUES(11,1795880969566,'user.changed','01a222d8-e53d-7223-945c-a0320ba54474',2,'01a222d8e55d7665afaa2e4bd6575ba1','{"seatBefore":{"role":"member_lite","requestedLicense":"member_lite","grantedLicense":"member_lite","state":"granted"},"seat":{"role":"member_lite","requestedLicense":"member_lite","grantedLicense":null,"state":"suspended"},"changed":["active"]}');
INSERT INTO changes VALUES(12,1795880969572,'user.deleted','01a222d8-e543-742c-8787-d11bd324ba89',1,'01a222d8e56376448749f6d50867859c','{}');
INSERT INTO changes VALUES(13,1795880969572,'group.changed','01a222d8-e554-7525-8226-5f5630e85de5',2,'01a222d8e56376448749f6d50867859c','{"left":"01a222d8-e543-742c-8787-d11bd324ba89","changed":["members"]}');
CREATE TABLE seat_ledger (
    number BIGINT NOT NULL PRIMARY KEY,
    at_ms BIGINT NOT NULL,
    user_id TEXT NOT NULL,
    license TEXT NOT NULL,
    movement BIGINT NOT NULL CHECK (movement IN (-1, 1)),
    cause TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO seat_ledger VALUES(1,1795880969533,'01a222d8-e53d-7223-945c-a0320ba54474','member_lite',1,'granted');
INSERT INTO seat_ledger VALUES(2,1795880969539,'01a222d8-e543-742c-8787-d11bd324ba89','member_lite',1,'granted');
INSERT INTO seat_ledger VALUES(3,1795880969543,'01a222d8-e547-7355-b3ec-3b3779811497','member_lite',1,'granted');
INSERT INTO seat_ledger VALUES(4,1795880969546,'01a222d8-e54a-75e0-b709-530a0ba43955','member_lite',1,'granted');
INSERT INTO seat_ledger VALUES(5,1795880969551,'01a222d8-e54f-743f-8ddb-cfc942fb0d7f','member_lite',1,'granted');
INSERT INTO seat_ledger VALUES(6,1795880969566,'01a222d8-e53d-7223-945c-a0320ba54474','member_lite',-1,'suspended');
INSERT INTO seat_ledger VALUES(7,1795880969572,'01a222d8-e543-742c-8787-d11bd324ba89','member_lite',-1,'deleted');
CREATE TABLE seat_turn (
    only_row BIGINT NOT NULL PRIMARY KEY CHECK (only_row = 1),
    lines_given BIGINT NOT NULL
) WITHOUT ROWID;
INSERT INTO seat_turn VALUES(1,0);
CREATE TABLE seat_pools (
    license TEXT NOT NULL PRIMARY KEY,
    quota BIGINT CHECK (quota >= 0),
    quota_set BIGINT CHECK (quota_set >= 0),
    used BIGINT NOT NULL CHECK (used >= 0),
    policy TEXT NOT NULL,
    hold_why TEXT,
    overage_seats BIGINT CHECK (overage_seats >= 0),
    overage_until_ms BIGINT,
    overage_in_force BIGINT NOT NULL CHECK (overage_in_force >= 0),
    grace_seats BIGINT NOT NULL CHECK (grace_seats >= 0),
    grace_minutes BIGINT NOT NULL CHECK (grace_minutes >= 0),
    places_given BIGINT NOT NULL,
    due_ms BIGINT
) WITHOUT ROWID;
INSERT INTO seat_pools VALUES('member',2,2,0,'fallback',NULL,NULL,NULL,0,0,0,0,NULL);
INSERT INTO seat_pools VALUES('member_lite',NULL,NULL,3,'refuse',NULL,NULL,NULL,0,0,0,0,NULL);
CREATE TABLE seat_lines (
    line BIGINT NOT NULL PRIMARY KEY,
    license TEXT NOT NULL,
    seats BIGINT NOT NULL CHECK (seats > 0),
    from_day BIGINT,
    until_day BIGINT,
    source TEXT NOT NULL,
    CHECK (from_day < until_day)
) WITHOUT ROWID;
CREATE TABLE seats (
    user_id TEXT NOT NULL PRIMARY KEY,
    role TEXT NOT NULL,
    role_rank BIGINT NOT NULL,
    may_fall_back BIGINT NOT NULL CHECK (may_fall_back IN (0, 1)),
    requested TEXT NOT NULL,
    granted TEXT,
    state TEXT NOT NULL,
    since_ms BIGINT NOT NULL,
    waiting_place BIGINT,
    beyond_place BIGINT,
    borrowed_until_ms BIGINT,
    kept_until_ms BIGINT,
    CHECK ((state = 'waitlisted' OR state = 'suspended' AND kept_until_ms IS NULL) = (granted IS NULL)),
    CHECK ((state IN ('fallback', 'waitlisted')) = (waiting_place IS NOT NULL)),
    CHECK (kept_until_ms IS NULL OR state = 'suspended'),
    CHECK (beyond_place IS NULL OR granted IS NOT NULL),
    CHECK (borrowed_until_ms IS NULL OR beyond_place IS NOT NULL)
) WITHOUT ROWID;
INSERT INTO seats VALUES('01a222d8-e53d-7223-945c-a0320ba54474','member_lite',2,0,'member_lite',NULL,'suspended',1795880969566,NULL,NULL,NULL,NULL);
INSERT INTO seats VALUES('01a222d8-e547-7355-b3ec-3b3779811497','member_lite',2,0,'member_lite','member_lite','granted',1795880969543,NULL,NULL,NULL,NULL);
INSERT INTO seats VALUES('01a222d8-e54a-75e0-b709-530a0ba43955','member_lite',2,0,'member_lite','member_lite','granted',1795880969546,NULL,NULL,NULL,NULL);
INSERT INTO seats VALUES('01a222d8-e54f-743f-8ddb-cfc942fb0d7f','member_lite',2,0,'member_lite','member_lite','granted',1795880969551,NULL,NULL,NULL,NULL);
CREATE INDEX memberships_by_user ON memberships (user_id, group_id);
CREATE INDEX nested_groups_by_member ON nested_groups (member_id, group_id);
CREATE INDEX users_by_external_id ON users (external_id_key, id);
CREATE INDEX users_by_created ON users (created_ms, id);
CREATE INDEX users_by_modified ON users (modified_ms, id);
CREATE INDEX groups_by_display_name ON groups (display_name_key, id);
CREATE INDEX groups_by_external_id ON groups (external_id_key, id);
CREATE INDEX groups_by_created ON groups (created_ms, id);
CREATE INDEX groups_by_modified ON groups (modified_ms, id);
CREATE UNIQUE INDEX seats_waiting ON seats (requested, role_rank, waiting_place) WHERE waiting_place IS NOT NULL;
CREATE INDEX seats_exchange ON seats (granted, requested, role_rank, waiting_place) WHERE waiting_place IS NOT NULL;
CREATE INDEX seats_beyond ON seats (granted, beyond_place) WHERE beyond_place IS NOT NULL;
COMMIT;
