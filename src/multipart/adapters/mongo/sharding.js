// Shards both collections by the upload id, which every hot filter names.
// Before the first upload, when the collections are empty and get their hashed index by themselves:
//     mongosh "mongodb://mongos.example:27017/multipart" sharding.js
sh.shardCollection(`${db.getName()}.upload_sessions`, { _id: "hashed" });
sh.shardCollection(`${db.getName()}.upload_parts`, { session_id: "hashed" });
