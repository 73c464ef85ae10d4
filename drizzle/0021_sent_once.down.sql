DROP INDEX "messages_client_key";--> statement-breakpoint
ALTER TABLE "messages" DROP COLUMN "client_id";--> statement-breakpoint
ALTER TABLE "messages" DROP COLUMN "left_out_turns";
