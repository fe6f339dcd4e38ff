-- Answers say themselves how long they are kept: those for requests of client SDKs are forgotten sooner.
ALTER TABLE answer RENAME COLUMN date_created TO date_expires;
CREATE INDEX answer_date_expires ON answer (date_expires);
