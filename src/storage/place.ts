/** Where an instance keeps its data, and the lock that no backup of them may hold. */
export type StoragePlace = {
  readonly dataDir: string;
  /** `sqlite:…` or `postgres://…` */
  readonly databaseUrl: string;
  /** The database of the lock, `postgres://…`; without it, the lock is beside the data. */
  readonly lockUrl?: string | undefined;
  /** Whether a PostgreSQL that acknowledges what it could still lose is taken as it is. */
  readonly allowUnsafeCommits?: boolean;
};
