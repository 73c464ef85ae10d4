DROP TRIGGER "transactions_settle_once" ON "transactions";--> statement-breakpoint
CREATE TRIGGER "transactions_settle_once" BEFORE UPDATE ON "transactions" FOR EACH ROW
WHEN (
	OLD."status" <> 'held' OR NEW."status" NOT IN ('captured', 'released', 'expired')
	OR (OLD."id", OLD."org_id", OLD."ref_id", OLD."type", OLD."amount", OLD."held", OLD."charge_id", OLD."api_key_id", OLD."replica", OLD."actor", OLD."description", OLD."created_at")
	IS DISTINCT FROM (NEW."id", NEW."org_id", NEW."ref_id", NEW."type", NEW."amount", NEW."held", NEW."charge_id", NEW."api_key_id", NEW."replica", NEW."actor", NEW."description", NEW."created_at")
)
EXECUTE FUNCTION "refuse_change"('a held row is settled once, as captured, released or expired, and nothing else about it changes');--> statement-breakpoint
ALTER TABLE "transactions" DROP COLUMN "budget_windows";--> statement-breakpoint
DROP TABLE "budget_windows";--> statement-breakpoint
ALTER TABLE "projects" DROP COLUMN "policy";--> statement-breakpoint
ALTER TABLE "orgs" DROP COLUMN "policy";
