ALTER TABLE "model_prices" DROP CONSTRAINT "model_prices_positive_check";--> statement-breakpoint
ALTER TABLE "wallets" ADD COLUMN "markup_basis_points" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "model_prices" ADD COLUMN "long_cache_write_price" bigint;--> statement-breakpoint
ALTER TABLE "orgs" ADD COLUMN "encryption_key_version" integer DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE "api_keys" ADD COLUMN "previous_key_hash" text;--> statement-breakpoint
ALTER TABLE "api_keys" ADD COLUMN "previous_expires_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "api_keys" ADD COLUMN "previous_last_used_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "api_keys" ADD COLUMN "rotated_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "api_keys" ADD COLUMN "is_service" boolean DEFAULT false NOT NULL;--> statement-breakpoint
CREATE INDEX "transactions_charge_idx" ON "transactions" USING btree ("charge_id") WHERE charge_id is not null;--> statement-breakpoint
ALTER TABLE "api_keys" ADD CONSTRAINT "api_keys_previous_key_hash_unique" UNIQUE("previous_key_hash");--> statement-breakpoint
ALTER TABLE "transactions" ADD CONSTRAINT "transactions_refund_check" CHECK (("transactions"."type" = 'refund') = ("transactions"."charge_id" is not null) and ("transactions"."type" <> 'refund' or "transactions"."amount" > 0));--> statement-breakpoint
ALTER TABLE "wallets" ADD CONSTRAINT "wallets_markup_check" CHECK ("wallets"."markup_basis_points" between -10000 and 100000);--> statement-breakpoint
ALTER TABLE "model_prices" ADD CONSTRAINT "model_prices_positive_check" CHECK ("model_prices"."input_price" >= 0 and "model_prices"."output_price" >= 0 and coalesce("model_prices"."cached_input_price", 0) >= 0 and coalesce("model_prices"."cache_write_price", 0) >= 0 and coalesce("model_prices"."long_cache_write_price", 0) >= 0);--> statement-breakpoint
ALTER TABLE "api_keys" ADD CONSTRAINT "api_keys_previous_check" CHECK (("api_keys"."previous_key_hash" is null) = ("api_keys"."previous_expires_at" is null));--> statement-breakpoint
-- Everything below is written by hand: Drizzle has no words for it.
-- Retention takes bodies away; that is the one change a trace may see. Written so that a new column is kept without being named here.
CREATE FUNCTION "keep_trace"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
	bare traces := OLD;
BEGIN
	bare.request_body := NULL;
	bare.request_iv := NULL;
	bare.response_body := NULL;
	bare.response_iv := NULL;
	bare.encryption_key_version := NULL;
	IF NEW IS DISTINCT FROM bare THEN
		RAISE EXCEPTION '% of % refused: a trace is written once; only its bodies may be taken away', TG_OP, TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
	END IF;
	RETURN NEW;
END
$$;--> statement-breakpoint
DROP TRIGGER "traces_append_only" ON "traces";--> statement-breakpoint
CREATE TRIGGER "traces_append_only" BEFORE UPDATE ON "traces" FOR EACH ROW EXECUTE FUNCTION "keep_trace"();
