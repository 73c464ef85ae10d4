CREATE TABLE "message_events" (
	"org_id" uuid NOT NULL,
	"message_id" uuid NOT NULL,
	"first" integer NOT NULL,
	"last" integer NOT NULL,
	"events" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "message_events_message_id_first_pk" PRIMARY KEY("message_id","first")
);
--> statement-breakpoint
ALTER TABLE "message_events" ADD CONSTRAINT "message_events_org_id_orgs_id_fk" FOREIGN KEY ("org_id") REFERENCES "public"."orgs"("id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "message_events" ADD CONSTRAINT "message_events_message_id_messages_id_fk" FOREIGN KEY ("message_id") REFERENCES "public"."messages"("id") ON DELETE cascade ON UPDATE no action;