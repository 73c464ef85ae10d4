DROP INDEX "message_parts_words_idx";
