-- What the embedded model said of an indicator before a cascade asked a language model.
ALTER TABLE classifications ADD COLUMN opinions jsonb;
COMMENT ON COLUMN classifications.opinions IS
    'by stage (family, type): provider, model, values, confidence of the embedded model; null without a cascade';
