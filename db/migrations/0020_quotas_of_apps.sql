ALTER TABLE "quota_limits" ADD COLUMN "app" text;--> statement-breakpoint
ALTER TABLE "quota_reservations" ADD COLUMN "units" integer DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE "quota_reservations" ADD COLUMN "app" text;--> statement-breakpoint
CREATE INDEX "quota_reservations_of_app" ON "quota_reservations" USING btree ("app","bucket","at") WHERE app is not null;