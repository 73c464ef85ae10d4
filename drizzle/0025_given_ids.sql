CREATE TABLE "given_ids" (
	"org_id" uuid NOT NULL,
	"connection_id" uuid NOT NULL,
	"id_hash" uuid NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "given_ids_pkey" PRIMARY KEY("org_id","connection_id","id_hash")
);
--> statement-breakpoint
CREATE INDEX "given_ids_created_idx" ON "given_ids" USING btree ("created_at");