-- What is left of one says neither whose it is nor which: no way forth could take it.
DELETE FROM "artifacts";--> statement-breakpoint
ALTER TABLE "artifacts" DROP CONSTRAINT "artifacts_conversation_path_version_key";--> statement-breakpoint
ALTER TABLE "artifacts" DROP COLUMN "version";--> statement-breakpoint
ALTER TABLE "artifacts" DROP COLUMN "conversation_id";--> statement-breakpoint
ALTER TABLE "conversations" DROP COLUMN "allowed_tools";--> statement-breakpoint
ALTER TABLE "conversations" DROP COLUMN "tools";--> statement-breakpoint
DROP TABLE "files";
