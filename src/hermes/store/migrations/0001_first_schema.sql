-- IDENTITY_KEY is replaced by what the database calls a rising 64-bit key that is never used twice.
-- Times are Unix seconds, flags are 0 or 1, structures are JSON text. person is '' for the profile's owner.

CREATE TABLE store_facts (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    profile TEXT NOT NULL,
    person TEXT NOT NULL DEFAULT '',
    source TEXT NOT NULL,
    title TEXT,
    title_folded TEXT,
    model TEXT,
    provider TEXT,
    system_prompt TEXT,
    cwd TEXT,
    parent_session_id TEXT,
    created_at DOUBLE PRECISION NOT NULL,
    updated_at DOUBLE PRECISION NOT NULL,
    ended_at DOUBLE PRECISION,
    end_reason TEXT,
    archived BIGINT NOT NULL DEFAULT 0,
    message_count BIGINT NOT NULL DEFAULT 0,
    tool_call_count BIGINT NOT NULL DEFAULT 0,
    input_tokens BIGINT NOT NULL DEFAULT 0,
    cache_read_tokens BIGINT NOT NULL DEFAULT 0,
    cache_write_tokens BIGINT NOT NULL DEFAULT 0,
    output_tokens BIGINT NOT NULL DEFAULT 0,
    reasoning_tokens BIGINT NOT NULL DEFAULT 0,
    model_calls BIGINT NOT NULL DEFAULT 0,
    calls_without_usage BIGINT NOT NULL DEFAULT 0,
    cost_usd DOUBLE PRECISION,
    cost_certainty BIGINT NOT NULL DEFAULT 3
);
CREATE UNIQUE INDEX sessions_title ON sessions (profile, title, person);
CREATE INDEX sessions_title_folded ON sessions (profile, title_folded);
CREATE INDEX sessions_activity ON sessions (profile, updated_at, id);
CREATE INDEX sessions_current_activity ON sessions (profile, updated_at, id) WHERE archived = 0;
CREATE INDEX sessions_person_activity ON sessions (profile, person, updated_at, id);
CREATE INDEX sessions_source_activity ON sessions (profile, source, updated_at, id);
CREATE INDEX sessions_ended ON sessions (profile, ended_at);

CREATE TABLE messages (
    id IDENTITY_KEY,
    session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    run_id TEXT,
    position BIGINT NOT NULL,
    role TEXT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    content TEXT NOT NULL,
    wire_content TEXT,
    images TEXT,
    tool_calls TEXT,
    tool_call_id TEXT,
    tool_name TEXT,
    ok BIGINT,
    display TEXT,
    reasoning TEXT NOT NULL DEFAULT '',
    replay TEXT,
    finish_reason TEXT,
    model TEXT,
    created_at DOUBLE PRECISION NOT NULL
);
CREATE INDEX messages_order ON messages (session_id, position, id);
CREATE INDEX messages_state_order ON messages (session_id, state, position, id);

CREATE TABLE runs (
    id TEXT PRIMARY KEY,
    session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    profile TEXT NOT NULL,
    person TEXT NOT NULL DEFAULT '',
    source TEXT NOT NULL,
    external_id TEXT,
    place BIGINT NOT NULL,
    status TEXT NOT NULL,
    reason TEXT,
    input TEXT NOT NULL,
    attended BIGINT NOT NULL DEFAULT 0,
    owner TEXT,
    epoch BIGINT NOT NULL DEFAULT 0,
    lease_until DOUBLE PRECISION,
    created_at DOUBLE PRECISION NOT NULL,
    started_at DOUBLE PRECISION,
    finished_at DOUBLE PRECISION,
    answer TEXT,
    error TEXT,
    input_tokens BIGINT NOT NULL DEFAULT 0,
    cache_read_tokens BIGINT NOT NULL DEFAULT 0,
    cache_write_tokens BIGINT NOT NULL DEFAULT 0,
    output_tokens BIGINT NOT NULL DEFAULT 0,
    reasoning_tokens BIGINT NOT NULL DEFAULT 0,
    model_calls BIGINT NOT NULL DEFAULT 0,
    calls_without_usage BIGINT NOT NULL DEFAULT 0,
    cost_usd DOUBLE PRECISION,
    cost_certainty BIGINT NOT NULL DEFAULT 3
);
CREATE UNIQUE INDEX runs_external_id ON runs (profile, source, external_id);
CREATE UNIQUE INDEX runs_place ON runs (session_id, place);
CREATE INDEX runs_unfinished ON runs (profile, session_id, place) WHERE finished_at IS NULL;
CREATE INDEX runs_finished ON runs (finished_at) WHERE finished_at IS NOT NULL;

CREATE TABLE tool_calls (
    run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    call_id TEXT NOT NULL,
    name TEXT NOT NULL,
    arguments TEXT NOT NULL,
    state TEXT NOT NULL,
    started_at DOUBLE PRECISION NOT NULL,
    finished_at DOUBLE PRECISION,
    ok BIGINT,
    exit_code BIGINT,
    PRIMARY KEY (run_id, call_id)
);

CREATE TABLE events (
    run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    seq BIGINT NOT NULL,
    at DOUBLE PRECISION NOT NULL,
    name TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (run_id, seq)
);

CREATE TABLE spend (
    profile TEXT NOT NULL,
    person TEXT NOT NULL DEFAULT '',
    day TEXT NOT NULL,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    task TEXT NOT NULL,
    input_tokens BIGINT NOT NULL DEFAULT 0,
    cache_read_tokens BIGINT NOT NULL DEFAULT 0,
    cache_write_tokens BIGINT NOT NULL DEFAULT 0,
    output_tokens BIGINT NOT NULL DEFAULT 0,
    reasoning_tokens BIGINT NOT NULL DEFAULT 0,
    model_calls BIGINT NOT NULL DEFAULT 0,
    calls_without_usage BIGINT NOT NULL DEFAULT 0,
    cost_usd DOUBLE PRECISION,
    cost_certainty BIGINT NOT NULL DEFAULT 3,
    PRIMARY KEY (profile, person, day, provider, model, task)
);

-- What was deleted, so that the search index, which is another file, can follow.
CREATE TABLE deleted_sessions (
    number IDENTITY_KEY,
    session_id TEXT NOT NULL,
    deleted_at DOUBLE PRECISION NOT NULL
);
