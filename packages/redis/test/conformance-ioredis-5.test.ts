import { Redis } from "ioredis-5";
import { describeRedisStore } from "./describe-redis-store.js";

describeRedisStore("redis (ioredis 5)", (url) => new Redis(url));
