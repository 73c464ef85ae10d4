DROP TRIGGER "conversations_tell" ON "conversations";
--> statement-breakpoint
DROP FUNCTION "tell_conversation"();
--> statement-breakpoint
DROP TABLE "conversation_reads";
