CREATE TABLE `entries` (
	`index` integer PRIMARY KEY NOT NULL,
	`kind` integer NOT NULL,
	`day` integer NOT NULL,
	`petition` integer,
	`nym` blob,
	`department` text,
	`evidence` blob,
	`ground` text,
	`count` integer,
	`previous` integer,
	FOREIGN KEY (`petition`) REFERENCES `petitions`(`ref`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE TABLE `fold` (
	`id` integer PRIMARY KEY NOT NULL,
	`snapshot` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `identity_keys` (
	`hash` blob NOT NULL,
	`issuer` text NOT NULL,
	`jwks` blob NOT NULL,
	`entry` integer NOT NULL,
	PRIMARY KEY(`issuer`, `hash`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE UNIQUE INDEX `identity_keys_entry` ON `identity_keys` (`entry`);--> statement-breakpoint
CREATE TABLE `log` (
	`id` integer PRIMARY KEY NOT NULL,
	`origin` text NOT NULL,
	`vkey` text NOT NULL,
	`size` integer NOT NULL,
	`root` blob NOT NULL,
	`moved` text
);
--> statement-breakpoint
CREATE TABLE `petitions` (
	`ref` integer PRIMARY KEY NOT NULL,
	`id` text NOT NULL,
	`slug` text NOT NULL,
	`title` text NOT NULL,
	`text` text NOT NULL,
	`statement` blob NOT NULL,
	`author` text,
	`thresholds` text NOT NULL,
	`closes` integer,
	`min_age` integer NOT NULL,
	`departments` integer NOT NULL,
	`acr` text NOT NULL,
	`issuer` text NOT NULL,
	`client_id` text NOT NULL,
	`nym_key` blob NOT NULL,
	`wrapped_secret` blob,
	`opening` integer NOT NULL,
	`closing` integer
);
--> statement-breakpoint
CREATE UNIQUE INDEX `petitions_id` ON `petitions` (`id`);--> statement-breakpoint
CREATE UNIQUE INDEX `petitions_slug` ON `petitions` (`slug`);--> statement-breakpoint
CREATE TABLE `publication` (
	`id` integer PRIMARY KEY NOT NULL,
	`checkpoint` text NOT NULL,
	`at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `signatures` (
	`petition` integer NOT NULL,
	`nym` blob NOT NULL,
	`entry` integer NOT NULL,
	PRIMARY KEY(`petition`, `nym`),
	FOREIGN KEY (`petition`) REFERENCES `petitions`(`ref`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "signatures_nym" CHECK(length("signatures"."nym") = 32)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `sites` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`redirect_uris` text NOT NULL,
	`petitions` text NOT NULL,
	`auth` text NOT NULL,
	`jwks_uri` text,
	`sealed_secret` blob,
	`wrapped_key` blob NOT NULL
);
--> statement-breakpoint
CREATE TABLE `tiles` (
	`place` integer PRIMARY KEY NOT NULL,
	`hashes` blob NOT NULL
);
