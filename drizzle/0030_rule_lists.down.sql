-- Decisions go back into the traces that name a list, each counter with what it left. The trigger keeps traces as they were written.
DROP TRIGGER "traces_append_only" ON "traces";--> statement-breakpoint
UPDATE "traces" t SET "steps" = jsonb_build_object('at', t."steps"->'at', 'decisions', coalesce((
	SELECT jsonb_agg(CASE WHEN d."counter" THEN d."decision" || jsonb_build_object('remaining', t."steps"->'remaining'->(d."counters" - 1)) ELSE d."decision" END ORDER BY d."position")
	FROM (
		SELECT e."decision", e."position", c."counter", (count(*) FILTER (WHERE c."counter") OVER (ORDER BY e."position"))::int AS "counters"
		FROM "rule_lists" r
		CROSS JOIN LATERAL jsonb_array_elements(r."decisions") WITH ORDINALITY AS e("decision", "position")
		CROSS JOIN LATERAL (SELECT e."decision"->>'rule' IN ('max_concurrent', 'requests_per_minute', 'tokens_per_minute')) AS c("counter")
		WHERE r."org_id" = t."org_id" AND r."id" = (t."steps"->>'rules')::uuid
	) d
), '[]')) WHERE t."steps" ? 'rules';--> statement-breakpoint
CREATE TRIGGER "traces_append_only" BEFORE UPDATE ON "traces" FOR EACH ROW EXECUTE FUNCTION "keep_trace"();--> statement-breakpoint
DROP TABLE "rule_lists";
