ALTER TABLE "log" ADD COLUMN "key_id" "bytea";--> statement-breakpoint
ALTER TABLE "petitions" ADD COLUMN "destruction" bigint;