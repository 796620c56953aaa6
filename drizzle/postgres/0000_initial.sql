CREATE UNLOGGED TABLE "claims" (
	"id" "bytea" PRIMARY KEY NOT NULL,
	"claimed" bigint NOT NULL,
	"expires" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "entries" (
	"index" bigint PRIMARY KEY NOT NULL,
	"kind" smallint NOT NULL,
	"day" integer NOT NULL,
	"petition" integer,
	"nym" "bytea",
	"department" text,
	"evidence" "bytea",
	"ground" text,
	"count" bigint,
	"previous" bigint
);
--> statement-breakpoint
CREATE TABLE "fold" (
	"id" integer PRIMARY KEY NOT NULL,
	"snapshot" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "identity_keys" (
	"hash" "bytea" NOT NULL,
	"issuer" text NOT NULL,
	"jwks" "bytea" NOT NULL,
	"entry" bigint NOT NULL,
	CONSTRAINT "identity_keys_issuer_hash_pk" PRIMARY KEY("issuer","hash")
);
--> statement-breakpoint
CREATE UNLOGGED TABLE "journeys" (
	"id" "bytea" PRIMARY KEY NOT NULL,
	"content" "bytea" NOT NULL,
	"expires" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "lease" (
	"id" integer PRIMARY KEY NOT NULL,
	"epoch" bigint NOT NULL,
	"renewed" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "log" (
	"id" integer PRIMARY KEY NOT NULL,
	"origin" text NOT NULL,
	"vkey" text NOT NULL,
	"size" bigint NOT NULL,
	"root" "bytea" NOT NULL,
	"moved" text
);
--> statement-breakpoint
CREATE TABLE "petitions" (
	"ref" integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "petitions_ref_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 2147483647 START WITH 1 CACHE 1),
	"id" text NOT NULL,
	"slug" text NOT NULL,
	"title" text NOT NULL,
	"text" text NOT NULL,
	"statement" "bytea" NOT NULL,
	"author" text,
	"thresholds" text NOT NULL,
	"closes" integer,
	"min_age" integer NOT NULL,
	"departments" boolean NOT NULL,
	"acr" text NOT NULL,
	"issuer" text NOT NULL,
	"client_id" text NOT NULL,
	"nym_key" "bytea" NOT NULL,
	"wrapped_secret" "bytea",
	"opening" bigint NOT NULL,
	"closing" bigint
);
--> statement-breakpoint
CREATE UNLOGGED TABLE "provider_rows" (
	"id" "bytea" PRIMARY KEY NOT NULL,
	"content" "bytea" NOT NULL,
	"consumed" bigint,
	"expires" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "publication" (
	"id" integer PRIMARY KEY NOT NULL,
	"checkpoint" text NOT NULL,
	"at" bigint NOT NULL
);
--> statement-breakpoint
CREATE UNLOGGED TABLE "requests" (
	"id" text PRIMARY KEY NOT NULL,
	"acts" text NOT NULL,
	"outcomes" text,
	"asked" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "signatures" (
	"petition" integer NOT NULL,
	"nym" "bytea" NOT NULL,
	"entry" bigint NOT NULL,
	CONSTRAINT "signatures_petition_nym_pk" PRIMARY KEY("petition","nym"),
	CONSTRAINT "signatures_nym" CHECK (octet_length("signatures"."nym") = 32)
);
--> statement-breakpoint
CREATE TABLE "sites" (
	"id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"redirect_uris" text NOT NULL,
	"petitions" text NOT NULL,
	"auth" text NOT NULL,
	"jwks_uri" text,
	"sealed_secret" "bytea",
	"wrapped_key" "bytea" NOT NULL
);
--> statement-breakpoint
CREATE TABLE "tiles" (
	"place" bigint PRIMARY KEY NOT NULL,
	"hashes" "bytea" NOT NULL
);
--> statement-breakpoint
CREATE INDEX "claims_expires" ON "claims" USING btree ("expires");--> statement-breakpoint
CREATE UNIQUE INDEX "identity_keys_entry" ON "identity_keys" USING btree ("entry");--> statement-breakpoint
CREATE INDEX "journeys_expires" ON "journeys" USING btree ("expires");--> statement-breakpoint
CREATE UNIQUE INDEX "petitions_id" ON "petitions" USING btree ("id");--> statement-breakpoint
CREATE UNIQUE INDEX "petitions_slug" ON "petitions" USING btree ("slug");--> statement-breakpoint
CREATE INDEX "provider_rows_expires" ON "provider_rows" USING btree ("expires");--> statement-breakpoint
CREATE INDEX "requests_waiting" ON "requests" USING btree ("id") WHERE "requests"."outcomes" IS NULL;--> statement-breakpoint
ALTER TABLE "tiles" ALTER COLUMN "hashes" SET STORAGE EXTERNAL;--> statement-breakpoint
ALTER TABLE "tiles" SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, toast.autovacuum_vacuum_scale_factor = 0, toast.autovacuum_vacuum_threshold = 5000);--> statement-breakpoint
ALTER TABLE "requests" SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);--> statement-breakpoint
ALTER TABLE "log" SET (fillfactor = 10);--> statement-breakpoint
ALTER TABLE "publication" SET (fillfactor = 10);--> statement-breakpoint
ALTER TABLE "lease" SET (fillfactor = 10);
