DROP TABLE "discarded_bytes";
