module github.com/backstop-ecs/backstop

go 1.26
