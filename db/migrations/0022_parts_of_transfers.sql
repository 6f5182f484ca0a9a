ALTER TABLE "publish_attempts" ADD COLUMN "sent_bytes" bigint;--> statement-breakpoint
ALTER TABLE "publish_attempts" ADD COLUMN "part_refs" jsonb;