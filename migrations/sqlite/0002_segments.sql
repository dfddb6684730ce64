-- Rows of a segment stand beside those of the whole, whose segment is empty.
ALTER TABLE windows ADD COLUMN segment TEXT NOT NULL DEFAULT '';
DROP INDEX windows_key;
CREATE UNIQUE INDEX windows_key ON windows (model, start_us, end_us, version, segment);

ALTER TABLE profiles ADD COLUMN segment TEXT NOT NULL DEFAULT '';
DROP INDEX profiles_key;
CREATE UNIQUE INDEX profiles_key ON profiles (model, start_us, end_us, version, segment);

ALTER TABLE performance ADD COLUMN segment TEXT NOT NULL DEFAULT '';
DROP INDEX performance_key;
CREATE UNIQUE INDEX performance_key ON performance (model, start_us, end_us, version, segment);

-- Of a prediction that waits for its label: the segments that it is of, one a line.
ALTER TABLE predictions ADD COLUMN segments TEXT NOT NULL DEFAULT '';
