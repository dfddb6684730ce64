-- A message tells of one alert or of several. Messages of a lane to one receiver leave in order;
-- those of a thread belong together at the far end, which may have named the first (`reference`).
ALTER TABLE outbox RENAME COLUMN episode TO lane;
ALTER TABLE outbox ADD COLUMN thread TEXT NOT NULL DEFAULT '';
UPDATE outbox SET thread = lane;
-- What it says, as JSON, from which a body that never left can be made anew.
ALTER TABLE outbox ADD COLUMN message TEXT NOT NULL DEFAULT '';
ALTER TABLE outbox ADD COLUMN reference TEXT;
CREATE INDEX outbox_thread ON outbox (receiver, thread, done_at_us) WHERE reference IS NOT NULL;
