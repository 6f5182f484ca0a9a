ALTER TABLE "media" ADD COLUMN "chroma" text;--> statement-breakpoint
ALTER TABLE "media" ADD COLUMN "audio_codec" text;--> statement-breakpoint
ALTER TABLE "media" ADD COLUMN "audio_channels" integer;--> statement-breakpoint
ALTER TABLE "media" ADD COLUMN "audio_sample_rate" integer;--> statement-breakpoint
ALTER TABLE "media" ADD COLUMN "index_first" boolean;--> statement-breakpoint
ALTER TABLE "media" ADD COLUMN "examinations" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "media" ADD COLUMN "deleted_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "media" ADD COLUMN "file_removed_at" timestamp with time zone;--> statement-breakpoint
CREATE INDEX "media_with_useless_file" ON "media" USING btree ("updated_at") WHERE file_removed_at is null and (deleted_at is not null or state in ('rejected', 'expired'));