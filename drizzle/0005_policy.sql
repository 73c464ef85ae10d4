CREATE TABLE "budget_windows" (
	"id" uuid PRIMARY KEY NOT NULL,
	"org_id" uuid,
	"scope" text NOT NULL,
	"subject_id" uuid NOT NULL,
	"period" text NOT NULL,
	"starts_at" timestamp with time zone NOT NULL,
	"spent" bigint DEFAULT 0 NOT NULL,
	"held" bigint DEFAULT 0 NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "budget_windows_scope_check" CHECK ("budget_windows"."scope" in ('key', 'project', 'org', 'platform')),
	CONSTRAINT "budget_windows_period_check" CHECK ("budget_windows"."period" in ('day', 'week', 'month', 'total')),
	CONSTRAINT "budget_windows_sums_check" CHECK ("budget_windows"."spent" >= 0 and "budget_windows"."held" >= 0)
);
--> statement-breakpoint
ALTER TABLE "transactions" ADD COLUMN "budget_windows" uuid[];--> statement-breakpoint
ALTER TABLE "orgs" ADD COLUMN "policy" jsonb DEFAULT '{}'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "projects" ADD COLUMN "policy" jsonb DEFAULT '{}'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "budget_windows" ADD CONSTRAINT "budget_windows_org_id_orgs_id_fk" FOREIGN KEY ("org_id") REFERENCES "public"."orgs"("id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "budget_windows_org_idx" ON "budget_windows" USING btree ("org_id","subject_id");--> statement-breakpoint
-- As before, and a charge stays in the windows it was held in.
DROP TRIGGER "transactions_settle_once" ON "transactions";--> statement-breakpoint
CREATE TRIGGER "transactions_settle_once" BEFORE UPDATE ON "transactions" FOR EACH ROW
WHEN (
	OLD."status" <> 'held' OR NEW."status" NOT IN ('captured', 'released', 'expired')
	OR (OLD."id", OLD."org_id", OLD."ref_id", OLD."type", OLD."amount", OLD."held", OLD."charge_id", OLD."api_key_id", OLD."replica", OLD."budget_windows", OLD."actor", OLD."description", OLD."created_at")
	IS DISTINCT FROM (NEW."id", NEW."org_id", NEW."ref_id", NEW."type", NEW."amount", NEW."held", NEW."charge_id", NEW."api_key_id", NEW."replica", NEW."budget_windows", NEW."actor", NEW."description", NEW."created_at")
)
EXECUTE FUNCTION "refuse_change"('a held row is settled once, as captured, released or expired, and nothing else about it changes');
