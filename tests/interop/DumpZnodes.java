// DumpZnodes.java: every znode below a connect string's chroot, a line each: path, P or E (persistent, ephemeral), its data version, its
// data. What differs from run to run (topic ids, timestamps, the cluster's id, ports) is replaced, so that two clusters can be compared.
// usage: java -cp 'LIBS/*' DumpZnodes.java CONNECT
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.TreeSet;
import org.apache.zookeeper.ZKUtil;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.data.Stat;

public class DumpZnodes {
    static String steady(String data) {
        return data.replaceAll("\"topic_id\":\"[^\"]{22}\"", "\"topic_id\":\"ID\"")
            .replaceAll("\"timestamp\":\"[0-9]+\"", "\"timestamp\":\"T\"")
            .replaceAll("\\{\"version\":\"1\",\"id\":\"[^\"]{22}\"", "{\"version\":\"1\",\"id\":\"ID\"")
            .replaceAll("127\\.0\\.0\\.1:[0-9]+", "127.0.0.1:PORT")
            .replaceAll("\"port\":[0-9]+", "\"port\":PORT");
    }

    public static void main(String[] argv) throws Exception {
        ZooKeeper zk = new ZooKeeper(argv[0], 10000, event -> { });
        List<String> paths = ZKUtil.listSubTreeBFS(zk, "/");
        for (String path : new TreeSet<>(paths)) {
            if (path.equals("/") || path.equals("/zookeeper") || path.startsWith("/zookeeper/"))
                continue;
            Stat stat = new Stat();
            byte[] data = zk.getData(path, false, stat);
            System.out.println(path + " " + (stat.getEphemeralOwner() == 0 ? "P" : "E") + " v" + stat.getVersion() + " "
                + (data == null ? "null" : steady(new String(data, StandardCharsets.UTF_8))));
        }
        Runtime.getRuntime().halt(0);
    }
}
