DROP INDEX "message_parts_characters_idx";--> statement-breakpoint
DROP INDEX "files_room_idx";--> statement-breakpoint
DROP INDEX "artifacts_room_idx";