// Shards both collections by the upload id, which every hot filter names.
// Run it before the first upload: only empty collections get their hashed index by this command.
//     mongosh "mongodb://mongos.example:27017/multipart" sharding.js
sh.shardCollection(`${db.getName()}.upload_sessions`, { _id: "hashed" });
sh.shardCollection(`${db.getName()}.upload_parts`, { session_id: "hashed" });
