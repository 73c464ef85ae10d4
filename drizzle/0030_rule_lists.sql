CREATE TABLE "rule_lists" (
	"org_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"month" date NOT NULL,
	"decisions" jsonb NOT NULL,
	CONSTRAINT "rule_lists_pkey" PRIMARY KEY("org_id","id")
);
