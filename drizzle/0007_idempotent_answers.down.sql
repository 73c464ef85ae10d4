DELETE FROM "idempotency_keys";--> statement-breakpoint
DROP INDEX "idempotency_keys_request_key";--> statement-breakpoint
DROP INDEX "idempotency_keys_claimed_idx";--> statement-breakpoint
ALTER TABLE "idempotency_keys" DROP CONSTRAINT "idempotency_keys_pkey";--> statement-breakpoint
ALTER TABLE "idempotency_keys" DROP COLUMN "api_key_id", DROP COLUMN "replica", DROP COLUMN "head", DROP COLUMN "answer", DROP COLUMN "answer_iv", DROP COLUMN "encryption_key_version";--> statement-breakpoint
ALTER TABLE "idempotency_keys" ADD COLUMN "status_code" integer;--> statement-breakpoint
ALTER TABLE "idempotency_keys" ADD CONSTRAINT "idempotency_keys_pkey" PRIMARY KEY ("org_id", "key");
