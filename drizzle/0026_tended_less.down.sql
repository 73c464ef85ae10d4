CREATE OR REPLACE FUNCTION "ensure_trace_partition"("moment" timestamp with time zone) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	first_day CONSTANT timestamp := date_trunc('month', moment AT TIME ZONE 'UTC');
	lower_bound CONSTANT timestamptz := first_day AT TIME ZONE 'UTC';
	upper_bound CONSTANT timestamptz := (first_day + interval '1 month') AT TIME ZONE 'UTC';
	partition CONSTANT text := to_char(first_day, '"traces_"YYYY_MM');
BEGIN
	-- Several replicas ask at once: one makes it, the others then find it.
	PERFORM pg_advisory_xact_lock(hashtext('loom:ensure_trace_partition'));
	IF to_regclass(partition) IS NOT NULL THEN
		RETURN false;
	END IF;
	-- Writers wait, readers do not: an insert under way has chosen traces_default by the partitions it knew, and would be refused there
	-- once the month has its own.
	LOCK TABLE traces IN SHARE ROW EXCLUSIVE MODE;
	EXECUTE format('CREATE TABLE %I (LIKE traces INCLUDING ALL)', partition);
	-- Held until the end, so that no row of this month slips into traces_default between the move and the attachment.
	LOCK TABLE traces_default IN ACCESS EXCLUSIVE MODE;
	EXECUTE format('WITH moved AS (DELETE FROM traces_default WHERE created_at >= $1 AND created_at < $2 RETURNING *) INSERT INTO %I SELECT * FROM moved', partition)
		USING lower_bound, upper_bound;
	EXECUTE format('ALTER TABLE traces ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', partition, lower_bound, upper_bound);
	RETURN true;
END
$$;
--> statement-breakpoint
DROP FUNCTION "tend_appended_table";
--> statement-breakpoint
DO $$
DECLARE
	appended regclass;
BEGIN
	FOR appended IN SELECT 'usage_records'::regclass UNION ALL SELECT 'transactions' UNION ALL SELECT inhrelid FROM pg_inherits WHERE inhparent = 'traces'::regclass LOOP
		EXECUTE format('ALTER TABLE %s RESET (autovacuum_vacuum_insert_threshold, toast.autovacuum_vacuum_insert_threshold), %s', appended,
			(SELECT string_agg(format('ALTER COLUMN %I SET STATISTICS -1', attname), ', ') FROM pg_attribute WHERE attrelid = appended AND attnum > 0 AND NOT attisdropped));
	END LOOP;
END
$$;
