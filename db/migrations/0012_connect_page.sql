ALTER TABLE "connect_links" ADD COLUMN "name" text;--> statement-breakpoint
ALTER TABLE "oauth_states" ADD COLUMN "browser_hash" text;--> statement-breakpoint
ALTER TABLE "oauth_states" ADD COLUMN "result_hash" text;--> statement-breakpoint
ALTER TABLE "oauth_states" ADD COLUMN "result" jsonb;--> statement-breakpoint
ALTER TABLE "oauth_states" ADD COLUMN "result_expires_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "users" ADD COLUMN "display_name" text;--> statement-breakpoint
ALTER TABLE "oauth_states" ADD CONSTRAINT "oauth_states_result_hash_unique" UNIQUE("result_hash");