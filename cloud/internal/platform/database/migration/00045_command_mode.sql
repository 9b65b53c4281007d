-- +goose Up

-- A seat may set how a lane is worked for a while: held open, locked, convoy.
ALTER TABLE commands DROP CONSTRAINT commands_action_check;
ALTER TABLE commands ADD CONSTRAINT commands_action_check CHECK (action IN ('open', 'close', 'correct', 'mode'));

-- +goose Down
DELETE FROM commands WHERE action = 'mode';
ALTER TABLE commands DROP CONSTRAINT commands_action_check;
ALTER TABLE commands ADD CONSTRAINT commands_action_check CHECK (action IN ('open', 'close', 'correct'));
