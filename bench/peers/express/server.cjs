// A chat as one writes it oneself: Express, socket.io and PostgreSQL, without credentials, rules or webhooks.
// Where the database is and who it is used as is in the variables that PostgreSQL's own programs read.
const { createServer } = require('node:http');
const { randomBytes } = require('node:crypto');
const express = require('express');
const { Pool } = require('pg');
const { Server } = require('socket.io');

const TABLE = `
  CREATE TABLE messages (
    id bigserial PRIMARY KEY, sid text NOT NULL UNIQUE, channel text NOT NULL, author text NOT NULL,
    body text NOT NULL, attributes text NOT NULL, created timestamptz NOT NULL DEFAULT now()
  );
  CREATE INDEX ON messages (channel, id)`;

const INSERT = {
  name: 'insert', // prepared once on each connection
  text: 'INSERT INTO messages (sid, channel, author, body, attributes) VALUES ($1, $2, $3, $4, $5) RETURNING *',
};

const database = new Pool({ max: 20 });
const app = express();
const server = createServer(app);
const io = new Server(server);

io.on('connection', (socket) => socket.on('join', (channel) => socket.join(channel)));

app.post('/channels/:channel/messages', express.urlencoded({ extended: false }), async (request, response) => {
  const { channel } = request.params;
  const { From, Body, Attributes = '{}' } = request.body;
  const sid = `IM${randomBytes(16).toString('hex')}`;
  const kept = await database.query({ ...INSERT, values: [sid, channel, From, Body, Attributes] });
  const [message] = kept.rows; // PostgreSQL has committed it
  io.to(channel).emit('message', message);
  response.status(201).json(message);
});

database.query(TABLE).then(() => {
  server.listen(0, '127.0.0.1', () => {
    console.log(`Express is listening on http://127.0.0.1:${server.address().port}`);
  });
});
