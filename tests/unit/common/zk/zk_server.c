/* zk_server.c: writes zoo.cfg and log4j.properties, runs QuorumPeerMain in a child that dies with us, waits until the
 * port is open. */
#include "tests/unit/common/zk/zk_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/unit.h"

#define JARS "/usr/share/java/zookeeper.jar:/usr/share/java/slf4j-log4j12.jar:/usr/share/java/log4j-1.2.jar"

static struct sockaddr_in loopback(int port) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return a;
}

static int free_port(void) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in a = loopback(0);
    socklen_t len = sizeof a;
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, len), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    close(fd);
    return ntohs(a.sin_port);
}

static bool answers(int port) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in a = loopback(port);
    bool ok = connect(fd, (struct sockaddr *)&a, sizeof a) == 0;
    char reply[8] = "";
    ok = ok && write(fd, "ruok", 4) == 4 && read(fd, reply, sizeof reply - 1) >= 4 && strncmp(reply, "imok", 4) == 0;
    close(fd);
    return ok;
}

static void put_file(const char *dir, const char *name, const char *text) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "we");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
}

bool zk_server_available(void) {
    struct stat st;
    if (stat("/usr/share/java/zookeeper.jar", &st) == 0 && stat("/usr/bin/java", &st) == 0) return true;
    fprintf(stderr, "\n*** SKIPPED: java or /usr/share/java/zookeeper.jar is missing (apt-get install zookeeper "
                    "default-jre-headless); the real ZooKeeper client was NOT tested ***\n\n");
    return false;
}

void zk_server_start(struct zk_server *s, int tick_ms) {
    memset(s, 0, sizeof *s);
    s->dir = unit_tmp_dir();
    s->port = free_port();
    char text[1024], class_path[512], config[512];
    snprintf(
        text, sizeof text,
        "tickTime=%d\ndataDir=%s/data\nclientPort=%d\nclientPortAddress=127.0.0.1\nmaxClientCnxns=0\n"
        "maxSessionTimeout=60000\nadmin.enableServer=false\n4lw.commands.whitelist=*\nforceSync=no\npreAllocSize=64\n",
        tick_ms, s->dir, s->port);
    put_file(s->dir, "zoo.cfg", text);
    snprintf(text, sizeof text,
             "log4j.rootLogger=WARN, F\nlog4j.appender.F=org.apache.log4j.FileAppender\n"
             "log4j.appender.F.File=%s/zookeeper.log\nlog4j.appender.F.layout=org.apache.log4j.SimpleLayout\n",
             s->dir);
    put_file(s->dir, "log4j.properties", text);
    snprintf(class_path, sizeof class_path, "%s:" JARS, s->dir);
    snprintf(config, sizeof config, "%s/zoo.cfg", s->dir);
    pid_t parent = getpid();
    s->pid = fork();
    ck_assert_int_ge(s->pid, 0);
    if (s->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent) _exit(1);
        execl("/usr/bin/java", "java", "-cp", class_path, "-Xmx64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
              "org.apache.zookeeper.server.quorum.QuorumPeerMain", config, (char *)NULL);
        _exit(127);
    }
    for (int i = 0; i < 3000 && !answers(s->port); i++) {
        ck_assert_int_eq(waitpid(s->pid, NULL, WNOHANG), 0);
        usleep(10000);
    }
    ck_assert(answers(s->port));
}

void zk_server_stop(struct zk_server *s) {
    if (s->pid <= 0) return;
    kill(s->pid, SIGKILL);
    waitpid(s->pid, NULL, 0);
    unit_tmp_remove(s->dir);
    s->pid = 0;
}
