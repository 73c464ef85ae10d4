ALTER TABLE "messages" ADD COLUMN "left_out_turns" bigint;--> statement-breakpoint
ALTER TABLE "messages" ADD COLUMN "client_id" uuid;--> statement-breakpoint
CREATE UNIQUE INDEX "messages_client_key" ON "messages" USING btree ("conversation_id","client_id") WHERE client_id is not null;